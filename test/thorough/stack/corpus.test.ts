import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle, ROOT } from '../../../infra/build/bundle.ts'
import { TRIGGERS } from '../../../lib/event/event.ts'
import { readBody } from '../../../lib/event/event-body.ts'
import { filled } from '../../../local/box/events/payload.ts'
import { isWireObject, SHAPES, type Shape } from '../../../local/box/events/shapes.ts'
import { type Stack, startStack } from '../../../local/stack.ts'
import { signedDelivery } from '../../kit.ts'
import { packagedLocal } from '../../support/packaged.ts'

let stack: Stack
let bundles: string
let webhooks: { readonly folder: string; readonly file: string }

/** The triggers that a webhook on a folder can have, and those that only one on a file can. */
const ON_FOLDER = Object.keys(TRIGGERS).filter(name => targetsOf(name).includes('folder'))
const ON_FILE = Object.keys(TRIGGERS).filter(name => targetsOf(name).join() === 'file')

function targetsOf(name: string): readonly string[] {
  const found = Object.entries(TRIGGERS).find(([trigger]) => trigger === name)
  return found?.[1].targets ?? []
}

/** An automation that keeps what its event is about. */
const code = (name: string, on: readonly string[], watch: string) =>
  `import { automation } from 'boxhooks'
  export default automation({ name: '${name}', on: ${JSON.stringify(on)}, watch: ${watch},
    async run({ event: { item }, step }) {
      await step('about', async () => (item ? item.type + ':' + item.id : 'nothing'))
    } })`

beforeAll(async () => {
  stack = await startStack({ port: 0, packaged: await packagedLocal() })
  bundles = await mkdtemp(join(ROOT, '.boxhooks', 'corpus-'))
  const automationsDir = join(bundles, 'automations')
  await mkdir(automationsDir)
  await writeFile(join(automationsDir, 'in-folder.ts'), code('in-folder', ON_FOLDER, "{ folder: '100001' }"))
  await writeFile(join(automationsDir, 'on-file.ts'), code('on-file', ON_FILE, "{ file: '910001' }"))
  const { manifest } = await bundle({ outDir: bundles, automationsDir })
  await stack.replace(bundles, manifest)
  const webhookOn = (type: string) =>
    [...stack.box.webhooks.all.values()].find(({ target }) => target.type === type)?.id ?? ''
  webhooks = { folder: webhookOn('folder'), file: webhookOn('file') }
}, 180_000)
afterAll(async () => {
  await stack?.stop()
  await rm(bundles, { recursive: true, force: true })
})

/** The triggers whose source is the file or folder itself, or that are about the source’s item. */
const ITSELF = /^(FILE|FOLDER|SIGN_REQUEST)\.|^DOCGEN_|^NO_ACTIVE_SESSION$/

/** The type of an item that has none, where the trigger leaves no choice. A shared link is of a file or of a folder. */
const USUAL: Readonly<Record<string, string>> = {
  FILE: 'file',
  FOLDER: 'folder',
  SIGN_REQUEST: 'file',
  COLLABORATION: 'folder',
  TASK_ASSIGNMENT: 'file',
}

/** What the shape is about, as a reader of docs/payloads.md would say: `file:910001`. */
function aboutOf({ trigger, payload: { source } }: Shape): string | undefined {
  if (!isWireObject(source)) return undefined
  const [group = ''] = trigger.split('.')
  if (typeof source.$parent === 'string') return source.$parent.replace('_', ':')
  const named = isWireObject(source.item) ? source.item : isWireObject(source.target) ? source.target : source
  if (named === source && !ITSELF.test(trigger) && source.type !== 'file') return undefined
  const type = named.type ?? USUAL[group]
  return type === undefined ? undefined : `${type}:${named.id}`
}

/** Delivers a shape, signed, as from the webhook that has its trigger. */
async function deliver({ trigger, payload }: Shape) {
  const id = ON_FILE.includes(trigger) ? webhooks.file : webhooks.folder
  const { body, headers } = signedDelivery(filled(payload, { webhook: { id } }), stack.keys)
  const { status } = await fetch(stack.webhookUrl, { method: 'POST', headers, body })
  return { status, eventId: readBody(body, headers['box-delivery-timestamp']).eventId }
}

describe('everything that Box is known to send', () => {
  test('is accepted and done, about the right item, and nothing of it is given up', async () => {
    const delivered: { readonly shape: Shape; readonly eventId: string }[] = []
    for (const shape of SHAPES) {
      const { status, eventId } = await deliver(shape)
      expect(status, `${shape.trigger} ${shape.provenance}`).toBe(202)
      delivered.push({ shape, eventId })
    }
    expect(new Set(delivered.map(({ eventId }) => eventId)).size).toBe(SHAPES.length)

    for (const { shape, eventId } of delivered) {
      const { trigger, provenance, payload } = shape
      const about = aboutOf(shape)
      const message = `${trigger} ${provenance} ${JSON.stringify(payload)}`
      await expect
        .poll(async () => (await stack.ledger.read(eventId))?.status, { timeout: 60_000, message })
        .toBe('done')
      const record = await stack.ledger.read(eventId)
      expect(record?.trigger, message).toBe(payload.trigger)
      if (about) expect(record?.source, message).toBe(about)
      const name = ON_FOLDER.includes(trigger)
        ? 'in-folder'
        : ON_FILE.includes(trigger)
          ? 'on-file'
          : undefined
      // What Box sends unasked has no webhook of an automation.
      if (name === undefined) continue
      expect(record?.runs[name]?.status, message).toBe('done')
      expect(record?.runs[name]?.steps.about, message).toBe(JSON.stringify(about ?? 'nothing'))
    }
    expect(await stack.aws.depth(stack.aws.deadLetterQueueUrl)).toMatchObject({ waiting: 0, inFlight: 0 })
  }, 180_000)
})
