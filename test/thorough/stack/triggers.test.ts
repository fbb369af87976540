import { expect, test } from 'vitest'
import { parseEvent, sourceKey, TRIGGERS, type Trigger, triggerOf } from '../../../lib/event/event.ts'
import { DOINGS, doIn } from '../../../local/box/actions/actions.ts'
import type { EmulatedBox } from '../../../local/box/emulated-box.ts'
import { useStack } from '../../support/stack.ts'

const stack = useStack()

const on = (type: 'file' | 'folder') =>
  Object.entries(TRIGGERS).flatMap(([name, { targets }]: [string, { targets: readonly string[] }]) =>
    targets.includes(type) ? [name] : [],
  )

/** Does everything that there is to do, in an order in which it can be done. */
function everything(box: EmulatedBox, folder: string, file: string): void {
  const { content } = box
  const newest = (all: ReadonlyMap<string, unknown>): string => [...all.keys()].at(-1) ?? ''
  const on = (id: string, doings: Readonly<Record<string, Readonly<Record<string, string>>>>) => {
    for (const [doing, fields] of Object.entries(doings)) doIn(box, doing, id, fields)
  }
  on(file, {
    'download-file': {},
    'preview-file': {},
    'upload-version': { content: 'y' },
    'rename-file': { name: 'renamed.pdf' },
    'move-file': { folder },
    'copy-file': { folder, name: 'copy.pdf' },
    'lock-file': {},
    'unlock-file': {},
    'share-file': { access: 'open' },
    'unshare-file': {},
  })
  on(file, { 'share-file': { access: 'open' } })
  on(file, { 'share-file': { access: 'company' } })
  for (const trigger of DOINGS.find(({ name }) => name === 'announce-on-file')?.triggers ?? [])
    on(file, { 'announce-on-file': { trigger } })
  on(file, { 'trash-file': {} })
  on(file, { 'restore-file': {} })
  on(file, { 'trash-file': {} })
  on(file, { 'delete-file': {} })
  on(folder, { 'create-folder': { name: 'Inside' }, 'share-folder': { access: 'open' } })
  const inside = content.items(folder).find(({ type }) => type === 'folder')?.id ?? ''
  on(inside, {
    'rename-folder': { name: 'Within' },
    'copy-folder': { folder, name: 'Copy' },
    'download-folder': {},
  })
  const copy = content.items(folder).find(({ name }) => name === 'Copy')?.id ?? ''
  on(inside, { 'move-folder': { folder: copy } })
  on(copy, { 'trash-folder': {} })
  on(copy, { 'restore-folder': {} })
  on(copy, { 'trash-folder': {} })
  on(copy, { 'delete-folder': {} })
  for (const answer of ['accept-invitation', 'reject-invitation']) {
    on(folder, { invite: { login: `${answer}@elsewhere.example`, role: 'viewer' } })
    on(newest(content.collaborations), { [answer]: {}, 'change-role': { role: 'editor' } })
    on(newest(content.collaborations), { 'remove-collaboration': {} })
  }
}

test('every trigger goes from what is done in Box through delivery, front door and queue to the ledger', async () => {
  const { box, webhookUrl: address } = stack
  const folder = box.content.createFolder({ parentId: '0', name: 'Everything' }).id
  const elsewhere = box.content.createFolder({ parentId: '0', name: 'Elsewhere' }).id
  const file = box.content.createFile({ parentId: elsewhere, name: 'contract.pdf', content: 'x' }).id
  const watch = (type: 'file' | 'folder', id: string) =>
    box.webhooks.create({ target: { type, id }, address, triggers: on(type) })
  const watching = watch('folder', folder)
  watch('file', file)
  const before = box.sent.length

  everything(box, folder, file)
  doIn(box, 'end-session', '')
  box.content.createFolder({ parentId: folder, name: 'Without a session' })
  doIn(box, 'begin-session', '')
  await box.cleanUp(watching.id)
  await box.settled()

  const sent = box.sent.slice(before)
  const fired = new Set(sent.map(({ trigger }) => triggerOf(trigger)))
  expect(Object.keys(TRIGGERS).filter(trigger => !fired.has(triggerOf(trigger)))).toEqual([])
  const unused = DOINGS.filter(({ triggers }) => triggers.some((trigger: Trigger) => !fired.has(trigger)))
  expect(unused).toEqual([])
  await expect
    .poll(async () => (await stack.aws.depth(stack.aws.queueUrl)).waiting, { timeout: 60_000, interval: 100 })
    .toBe(0)
  for (const { eventId, trigger, body } of sent) {
    const parsed = parseEvent(body, { eventId })
    const source = parsed.ok ? sourceKey(parsed.event) : 'unreadable'
    await expect
      .poll(() => stack.ledger.read(eventId), { timeout: 20_000, message: `${trigger} ${eventId}` })
      .toMatchObject({ trigger, source, origin: 'webhook' })
  }
}, 120_000)
