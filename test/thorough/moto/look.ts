import assert from 'node:assert/strict'
import { ScanCommand } from '@aws-sdk/client-dynamodb'
import { EXAMPLES } from '../../../infra/build/bundle.ts'
import { systemClock } from '../../../lib/base/clock.ts'
import { isObject } from '../../../lib/base/json.ts'
import { createStageSource } from '../../../local/inspector/sources/stage-source.ts'
import { runCommand } from '../../support/command.ts'
import { spawnCommand } from '../../support/spawn.ts'
import { type Aws, boxhooks } from './aws.ts'
import { writeLogs } from './logs.ts'
import { AUTOMATION, say, undo, until } from './scene.ts'
import { REGION } from './stack.ts'

/** Looks at what happened as `boxhooks inspect` does: from logs, ledger and queues. */
export async function look(aws: Aws): Promise<void> {
  const since = systemClock.now() - 3_600_000
  await writeLogs(aws.logs)
  Object.assign(process.env, aws.env)
  const source = createStageSource({
    stage: 'local',
    region: REGION,
    outputs: {
      WebhookUrl: 'https://moto.example/box/webhook',
      QueueUrl: aws.queueUrl,
      DeadLetterQueueUrl: aws.deadLetterUrl,
      LedgerTable: aws.table,
    },
    since,
    onProblem: problem => assert.fail(problem),
  })
  undo.push(() => source.stop())
  const { journal } = source
  await until('the page knows what became of every event', async () => {
    const states = new Set<string>(journal.events.map(({ status }) => status))
    return ['done', 'dead', 'refused'].every(state => states.has(state))
  })
  const done = journal.events.find(({ lines }) => lines.some(({ automation }) => automation === AUTOMATION))
  assert.ok(done, 'the run is on the page')
  assert.equal((await source.record(done.eventId))?.status, 'done')
  assert.equal((await source.queues()).queue.waiting, 0)
  say(`inspect shows ${journal.events.length} events from the logs, the ledger and the queues`)
  await lookWithCommand(aws, journal.events.length)
}

/** The command itself serves the same, and leaves everything as it was. */
async function lookWithCommand(aws: Aws, events: number): Promise<void> {
  const before = await stateOf(aws)
  const command = ['inspect', '--stage', 'local', '--since', '2h', '--port', '0']
  const running = spawnCommand(command, { env: aws.env })
  undo.push(async () => running.child.kill('SIGINT'))
  await until('boxhooks inspect serves', async () => running.printed.out.includes('read-only'))
  const [printed = '', url = ''] = /(http:\/\/localhost:\d+)\/\S*/.exec(running.printed.out) ?? []
  const opened = await fetch(printed, { redirect: 'manual' })
  const [cookie = ''] = (opened.headers.get('set-cookie') ?? '').split(';')
  await until('boxhooks inspect shows every event', async () => {
    const shown: unknown = await (await fetch(`${url}/_local/events`, { headers: { cookie } })).json()
    return Array.isArray(shown) && shown.length === events
  })
  const replay = await fetch(`${url}/_local/actions/replay`, {
    method: 'POST',
    body: '{}',
    headers: { cookie },
  })
  assert.equal(replay.status, 404, 'there is no action on a deployed stage')
  running.child.kill('SIGINT')
  const { code, err } = await running.ended
  assert.deepEqual({ code, err }, { code: 0, err: '' })
  assert.deepEqual(await stateOf(aws), before)
  say('boxhooks inspect --stage showed the same, and changed neither a queue nor the ledger')
}

/** What looking on must not change: the ledger's records, and the messages of both queues. */
async function stateOf({ dynamodb, table, attributesOf, queueUrl, deadLetterUrl }: Aws) {
  const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: table }))
  const queues = await Promise.all([attributesOf(queueUrl), attributesOf(deadLetterUrl)])
  return { records: Items.map(item => JSON.stringify(item)).sort(), queues }
}

/** Looks back as an operator does, through the command line. */
export async function lookBack(aws: Aws): Promise<void> {
  const args = ['--automation', AUTOMATION, '--status', 'done', '--trigger', 'FILE.DOWNLOADED', '--json']
  const listed: unknown = JSON.parse(await boxhooks(aws, 'events', 'list', ...args))
  assert.ok(Array.isArray(listed) && listed.length === 1, 'one event ran the automation')
  const { eventId, item } = listed[0]
  const shown = await boxhooks(aws, 'events', 'show', eventId)
  for (const told of [
    /accepted, signed with the primary key/,
    /PUT \/2\.0\/files\/\d+ → 200/,
    /event finished: done/,
  ])
    assert.match(shown, told)
  const answer = await boxhooks(aws, 'why', item, AUTOMATION)
  assert.match(answer, /remove-shared-link-after-download: done/)
  assert.match(answer, /Box delivered the event 2 times/)
  say('boxhooks events and why tell what happened, from the ledger and the logs')
}

/** The doctor must find well what moto has, and name what it lacks. */
export async function examine({ env }: Aws): Promise<void> {
  const { out, err } = await runCommand(['doctor', '--stage', 'local', '--json'], { env, project: EXAMPLES })
  const told: unknown = JSON.parse(out || '{}')
  const checks = isObject(told) && Array.isArray(told.checks) ? told.checks.filter(isObject) : []
  const statusOf = (name: string) => checks.find(({ check }) => check === name)?.status
  for (const name of ['queue', 'queue-age', 'consumer', 'dead-letters', 'table', 'version', 'settings'])
    assert.equal(statusOf(name), 'ok', `${name}: ${out}${err}`)
  // moto's CloudFormation sets neither the time to live nor the recovery of a table.
  assert.equal(statusOf('expiry'), 'fail')
  assert.equal(statusOf('recovery'), 'warn')
  // … nor the architecture of a function.
  assert.equal(statusOf('functions'), 'warn')
  // moto makes no alarms, and nobody has subscribed.
  assert.equal(statusOf('alarms'), 'fail')
  assert.equal(statusOf('alarm-topic'), 'warn')
  say('boxhooks doctor judged queue, ledger, version and settings')
}
