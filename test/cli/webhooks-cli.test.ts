import { DeleteItemCommand } from '@aws-sdk/client-dynamodb'
import { beforeEach, describe, expect, test } from 'vitest'
import { isObject, parseObject } from '../../lib/base/json.ts'
import { WEBHOOK_RECORD_KEY } from '../../lib/webhooks/webhook-record.ts'
import { runCommand } from '../support/command.ts'
import { useStack } from '../support/stack.ts'

const REVIEW = '100001'
const ARCHIVE = '100002'
const DECLARED = ['COLLABORATION.ACCEPTED', 'COLLABORATION.CREATED', 'FILE.DOWNLOADED', 'FILE.UPLOADED']
const ELSEWHERE = 'https://somebody.example.org/hook?secret=theirs'

const stack = useStack()
beforeEach(async () => {
  const { webhooks } = stack.box
  for (const { id } of [...webhooks.all.values()]) webhooks.delete(id)
  await stack.lambdas.reconcile.invoke({ action: 'apply' })
})

const onBox = () => [...stack.box.webhooks.all.values()]
const only = () => {
  const [webhook, another] = onBox()
  if (!webhook || another) throw new Error('There is not just one webhook.')
  return webhook
}
const foreign = (id: string) =>
  stack.box.webhooks.create({
    target: { type: 'folder', id },
    address: ELSEWHERE,
    triggers: ['FILE.UPLOADED'],
  })

const boxhooks = (args: readonly string[], env: Record<string, string> = {}) =>
  runCommand(['webhooks', ...args], { env })
const local = (...args: string[]) => boxhooks([...args, '--local', '--port', new URL(stack.url).port])
/** As with a deployed stage: the same call, through AWS’s address. */
const deployed = (...args: string[]) =>
  boxhooks([...args, '--stage', 'local', '--region', 'eu-west-1'], {
    AWS_ENDPOINT_URL_LAMBDA: stack.url,
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
  })

describe('boxhooks webhooks', { timeout: 60_000 }, () => {
  test('plan finds nothing to do where all is in step, and apply does nothing', async () => {
    expect(await local('plan', '--check')).toMatchObject({
      code: 0,
      out: expect.stringContaining(`unchanged  folder ${REVIEW}`),
    })
    const before = onBox()
    expect(await local('apply')).toMatchObject({ code: 0 })
    expect(onBox()).toEqual(before)
  })

  test('plan --check ends with 2 where something is to do, and apply does it', async () => {
    const { webhooks } = stack.box
    webhooks.update(only().id, { triggers: ['FILE.UPLOADED'] })
    const planned = await local('plan', '--check')
    expect(planned.code).toBe(2)
    expect(planned.out).toContain('~ update')
    expect(planned.out).toContain('It lacks COLLABORATION.ACCEPTED, COLLABORATION.CREATED, FILE.DOWNLOADED.')
    expect(only().triggers).toEqual(['FILE.UPLOADED'])
    expect(await local('apply')).toMatchObject({ code: 0, out: expect.stringContaining('~ updated') })
    expect(only().triggers).toEqual(DECLARED)
  })

  test('works on a deployed stage by the same call, and prints JSON for programs', async () => {
    const { code, out } = await deployed('plan', '--json')
    expect(code).toBe(0)
    expect(parseObject(out)).toMatchObject({
      mode: 'plan',
      inStep: true,
      address: stack.webhookUrl,
      actions: [{ kind: 'leave', target: { type: 'folder', id: REVIEW } }],
    })
  })

  test('never touches another’s webhook on the same item, says what to do, and tells no secret of its address', async () => {
    const { webhooks } = stack.box
    webhooks.delete(only().id)
    const theirs = foreign(REVIEW)
    const { code, out } = await local('apply', '--yes')
    expect(code).toBe(1)
    expect(out).toContain(`! conflict  folder ${REVIEW} (webhook ${theirs.id})`)
    expect(out).toContain('somebody.example.org')
    expect(out).not.toContain('secret=theirs')
    expect(onBox()).toEqual([theirs])
  })

  test('asks before it deletes, and where nobody can answer deletes nothing', async () => {
    const mine = only()
    const refused = await local('delete', mine.id)
    expect(refused).toMatchObject({ code: 1, out: '' })
    expect(refused.err).toContain('--yes')
    expect(onBox()).toEqual([mine])
    expect(await local('delete', mine.id, '--yes')).toMatchObject({ code: 0 })
    expect(onBox()).toEqual([])
  })

  test('apply asks as well where it would take a webhook away, here one that is found as the record is lost', async () => {
    const { box, aws, webhookUrl } = stack
    const stray = box.webhooks.create({
      target: { type: 'folder', id: ARCHIVE },
      address: webhookUrl,
      triggers: ['FILE.UPLOADED'],
    })
    await aws.dynamodb.send(
      new DeleteItemCommand({ TableName: aws.table, Key: { eventId: { S: WEBHOOK_RECORD_KEY } } }),
    )
    const refused = await local('apply')
    expect(refused).toMatchObject({ code: 1, out: '' })
    expect(refused.err).toContain(`- delete  folder ${ARCHIVE} (webhook ${stray.id})`)
    expect(onBox()).toContainEqual(stray)
    expect(await local('apply', '--yes')).toMatchObject({ code: 0 })
    expect(only().target.id).toBe(REVIEW)
  })

  test('covers every endpoint: create, get, list, update and delete, with every field', async () => {
    const { id: own } = only()
    const made = await local(
      'create',
      '--folder',
      ARCHIVE,
      '--on',
      'FILE.COPIED',
      '--on',
      'FILE.MOVED',
      '--address',
      'https://example.com/hook',
      '--json',
    )
    expect(made).toMatchObject({ code: 0, err: '' })
    const id = String(parseObject(made.out)?.id)
    expect(parseObject(made.out)).toEqual({
      id,
      target: { type: 'folder', id: ARCHIVE },
      address: 'https://example.com/hook',
      triggers: ['FILE.COPIED', 'FILE.MOVED'],
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      createdBy: { id: expect.any(String), name: expect.any(String), login: expect.stringContaining('@') },
      isOurs: false,
    })
    const { out: listed } = await local('list', '--json')
    const all: unknown = JSON.parse(listed)
    expect(Array.isArray(all) && all.filter(isObject).map(one => [one.id, one.isOurs])).toEqual([
      [own, true],
      [id, false],
    ])
    const file = stack.box.content.uploadFile({ parentId: '0', name: 'a file', content: 'x' })
    const changed = await local(
      'update',
      id,
      '--file',
      file.id,
      '--on',
      'FILE.LOCKED',
      '--address',
      'https://example.com/other',
      '--json',
    )
    expect(changed).toMatchObject({ code: 0 })
    expect(stack.box.webhooks.webhook(id)).toMatchObject({
      target: { type: 'file', id: file.id },
      triggers: ['FILE.LOCKED'],
      address: 'https://example.com/other',
    })
    const { out: table } = await local('get', id)
    expect(table).toMatch(/^ID +TARGET +OURS/)
    expect(table).toContain(`file ${file.id}`)
    expect(await local('delete', id, '--yes')).toMatchObject({ code: 0 })
    expect(onBox().map(one => one.id)).toEqual([own])
  })

  test.each([
    [
      'an unknown trigger',
      ['--folder', ARCHIVE, '--on', 'FILE.EATEN'],
      'triggers: Box has no trigger "FILE.EATEN"',
    ],
    [
      'a trigger that is not for the target',
      ['--file', '1', '--on', 'FOLDER.CREATED'],
      'triggers: FOLDER.CREATED can',
    ],
    [
      'the root folder',
      ['--folder', '0', '--on', 'FILE.COPIED'],
      'target: Box allows no webhook on the root folder',
    ],
    [
      'an id that is none',
      ['--folder', 'Review', '--on', 'FILE.COPIED'],
      'target: A folder’s id is a number'.replace('’', "'"),
    ],
    [
      'a plain http address',
      ['--folder', ARCHIVE, '--on', 'FILE.COPIED', '--address', 'http://a.example'],
      'address: Box delivers to https addresses only',
    ],
    ['a target that is not there', ['--folder', '424242', '--on', 'FILE.COPIED'], 'Box answered 404'],
    ['a second webhook on an item', ['--folder', REVIEW, '--on', 'FILE.COPIED'], 'Box answered 409'],
  ])('refuses %s, says what is wrong with which field, and changes nothing', async (_, args, told) => {
    const before = onBox()
    const { code, out, err } = await local('create', ...args)
    expect(err).toContain(told)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).not.toContain('    at ')
    expect(onBox()).toEqual(before)
  })

  test.each([
    ['no target', ['--on', 'FILE.COPIED'], '--folder ID or --file ID'],
    ['two targets', ['--folder', '1', '--file', '1', '--on', 'FILE.COPIED'], 'not both'],
    ['no trigger', ['--folder', ARCHIVE], '--on FILE.UPLOADED'],
  ])('exits 2 with %s, and changes nothing', async (_, args, told) => {
    const before = onBox()
    const { code, out, err } = await local('create', ...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(told)
    expect(onBox()).toEqual(before)
  })

  test('tells what Box says of a refusal, with its request id', async () => {
    const { err } = await local('get', '999')
    expect(err).toMatch(
      /Box answered 404 not_found to GET \/2\.0\/webhooks\/999\. Box's request id is [\w-]+\./,
    )
    expect(err).toContain('Box says: ')
  })

  test('says what to do where the stage is not deployed, there are no credentials, or nothing listens', async () => {
    const elsewhere = await boxhooks(['plan', '--stage', 'prod'], {
      AWS_ENDPOINT_URL_LAMBDA: stack.url,
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_REGION: 'eu-west-1',
    })
    expect(elsewhere).toMatchObject({ code: 1, out: '' })
    expect(elsewhere.err).toContain(
      'There is no function boxhooks-prod-reconcile in eu-west-1. Deploy the stage first',
    )
    const nowhere = await boxhooks(['plan', '--local', '--port', '9'])
    expect(nowhere).toMatchObject({ code: 1, out: '' })
    expect(nowhere.err).toContain('No local stack listens on port 9. Start it with npm start')
    const unsaid = await boxhooks(['plan'])
    expect(unsaid).toMatchObject({ code: 2, out: '' })
    expect(unsaid.err).toContain('--stage NAME')
  })
})
