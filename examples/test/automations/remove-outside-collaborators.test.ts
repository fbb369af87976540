import { boxEvent, type Kit, startKit, wireCollaboration } from 'boxhooks/test'
import { afterAll, beforeAll, expect, test } from 'vitest'
import removeOutsiders from '../../automations/remove-outside-collaborators.ts'

const SETTINGS = { REVIEW_FOLDER_ID: '100001', ALLOWED_DOMAINS: 'example.com, Example.org' }
let kit: Kit
beforeAll(async () => {
  kit = await startKit()
})
afterAll(() => kit.close())

function invited(login: string, account: boolean) {
  const { content } = kit.box
  if (account) content.addUser({ id: `u-${login}`, name: login, login })
  const { id } = content.addCollaboration({ item: { type: 'folder', id: '0' }, login, role: 'editor' })
  const source = wireCollaboration(content, content.collaboration(id))
  return { id, event: boxEvent('COLLABORATION.CREATED', { source }) }
}

test.each([
  ['somebody with an account', 'ellis@elsewhere.example', true],
  ['somebody invited who has none yet', 'new@elsewhere.example', false],
  ['an address that only looks right', 'mallory@example.com.evil.example', true],
])('%s from outside is removed', async (_, login, account) => {
  const { id, event } = invited(login, account)
  expect(await kit.run(removeOutsiders, event, SETTINGS)).toEqual({ kind: 'done' })
  expect(kit.box.content.collaborations.has(id)).toBe(false)
})

test.each(['ada@example.com', 'BOB@EXAMPLE.ORG'])('%s from an allowed domain stays', async login => {
  const { id, event } = invited(login, true)
  expect(await kit.run(removeOutsiders, event, SETTINGS)).toMatchObject({ kind: 'skipped' })
  expect(kit.box.content.collaborations.has(id)).toBe(true)
})

test('an address that the event does not carry is asked for, and decides', async () => {
  for (const [login, stays] of [
    ['eve@elsewhere.example', false],
    ['al@example.com', true],
  ] as const) {
    const { id } = invited(login, true)
    const source = { id, accessible_by: null, invite_email: null }
    const event = boxEvent('COLLABORATION.CREATED', { source })
    expect(await kit.run(removeOutsiders, event, SETTINGS)).toEqual({ kind: 'done' })
    expect(kit.box.content.collaborations.has(id)).toBe(stays)
  }
})

test('repeating it does no harm', async () => {
  const { event } = invited('twice@elsewhere.example', true)
  for (let round = 0; round < 2; round += 1)
    expect(await kit.run(removeOutsiders, event, SETTINGS)).toEqual({ kind: 'done' })
})

test('a group, which has no address, is left alone, saying so', async () => {
  const source = { accessible_by: { type: 'group', id: '1', name: 'all', login: null }, invite_email: null }
  const event = boxEvent('COLLABORATION.ACCEPTED', { source })
  expect(await kit.run(removeOutsiders, event, SETTINGS)).toMatchObject({
    kind: 'skipped',
    reason: expect.stringContaining('group'),
  })
})
