import { isObject } from '../../lib/base/json.ts'
import { type Target, triggerOf } from '../../lib/event/event.ts'
import { parseTarget, targetText } from '../../lib/event/target.ts'
import type { EventRecord } from '../../lib/ledger/record.ts'
import { readReplayable, replayOf, storedMessage } from '../../lib/operations/replay.ts'
import { describeBody, type Message, type Replay } from '../../lib/queue/message.ts'
import { askLocal, connectStage, type StageAws } from '../stage/stage-aws.ts'
import type { StageRef } from '../stage/stage-ref.ts'
import { CommandError } from '../terminal/command-error.ts'
import type { Shell } from '../terminal/shell.ts'
import { table } from '../terminal/table.ts'

export type LocalReplayOptions = {
  /** Where the event's record is. */
  readonly ref: StageRef
  /** The local stack's port. */
  readonly port: number
  /** Only this automation; all by default. */
  readonly automation?: string
  /** What the local stack watches in place of what the stage watches, such as `folder:100001`. */
  readonly watch?: string
  /** Prints JSON, for programs. */
  readonly json?: boolean
}

/**
 * Runs an event of another stage in the local stack, finished runs too: effects are on the emulated Box. The
 * payload is the stored one, but for the ids of its webhook and of the watched item, in whose place it gets the local ones.
 * The exit code is 1 where no run is done at the end.
 * @throws CommandError, ReplayImpossible, AwsUnreachable
 */
export async function replayToLocal(
  shell: Shell,
  eventId: string,
  options: LocalReplayOptions,
): Promise<void> {
  const record = await readFrom(shell, options.ref, eventId)
  const local = await connectStage(shell, { port: options.port })
  try {
    const webhook = localWebhook(record, await webhooksOf(shell, options.port), options.watch)
    const before = await local.ledger.read(eventId)
    await local.queue.send(localMessage(record, webhook, before, options))
    const after = await waitUntilSettled(shell, local, eventId, before?.version ?? 0)
    await printResult(shell, after, options)
  } finally {
    local.close()
  }
}

async function readFrom(shell: Shell, ref: StageRef, eventId: string): Promise<EventRecord> {
  const stage = await connectStage(shell, ref)
  try {
    return await readReplayable(stage.ledger, eventId)
  } finally {
    stage.close()
  }
}

type LocalWebhook = { readonly id: string; readonly target: Target; readonly triggers: readonly string[] }

async function webhooksOf(shell: Shell, port: number): Promise<readonly LocalWebhook[]> {
  const { webhooks } = await askLocal(shell, port, '/_local/box')
  return (Array.isArray(webhooks) ? webhooks : []).flatMap((webhook: unknown) => {
    if (!isObject(webhook) || !isObject(webhook.target) || !Array.isArray(webhook.triggers)) return []
    const target = parseTarget(`${webhook.target.type}:${webhook.target.id}`)
    return target ? [{ id: String(webhook.id), target, triggers: webhook.triggers.map(String) }] : []
  })
}

/** Finds the webhook of the local stack that would deliver such an event. */
function localWebhook(
  record: EventRecord,
  webhooks: readonly LocalWebhook[],
  watch: string | undefined,
): LocalWebhook {
  const trigger = triggerOf(record.trigger) ?? record.trigger
  const subscribed = webhooks.filter(({ triggers }) => triggers.includes(trigger))
  const watched = subscribed.map(({ target }) => targetText(target))
  if (subscribed.length === 0)
    throw new CommandError(
      `No automation of the local stack subscribes to ${record.trigger}. Start it from the clone with the automation: npm start`,
    )
  const asked = watch === undefined ? (record.targets ?? []).map(targetText) : [watch]
  const same = subscribed.find(({ target }) => asked.includes(targetText(target)))
  const [only, another] = subscribed
  if (same) return same
  if (watch === undefined && only && !another) return only
  throw new CommandError(
    `${watch === undefined ? `The event is about ${asked.join(', ') || 'no watched item'}, and the local stack watches other items` : `The local stack does not watch ${watch}`} for ${record.trigger}. Use --watch to name the item in its place: ${watched.join(', ')}`,
  )
}

function localMessage(
  record: EventRecord,
  webhook: LocalWebhook,
  before: EventRecord | undefined,
  { automation }: LocalReplayOptions,
): Message {
  const stored = storedMessage(record)
  const watched = record.targets?.find(({ type }) => type === webhook.target.type)
  const body = withLocalIds(stored.body, webhook, watched?.id)
  const replay = localReplay(before, automation)
  return { ...stored, ...describeBody(body), eventId: record.eventId, body, ...(replay ? { replay } : {}) }
}

/** Makes the replay that repeats what ran here before; undefined for an event that is new here. */
function localReplay(before: EventRecord | undefined, automation: string | undefined): Replay | undefined {
  const request = { force: true, ...(automation === undefined ? {} : { automation }) }
  if (before) return replayOf(before, request)
  return automation === undefined ? undefined : { runs: [], redrives: 0, only: [automation] }
}

/** Replaces the ids of the webhook and of the watched item by the local ones. */
function withLocalIds(body: Uint8Array, webhook: LocalWebhook, watchedId: string | undefined): Uint8Array {
  const payload: unknown = JSON.parse(new TextDecoder().decode(body), (key, value: unknown) =>
    key === 'id' && value !== undefined && value === watchedId ? webhook.target.id : value,
  )
  if (!isObject(payload)) return body
  const via = isObject(payload.webhook) ? { webhook: { ...payload.webhook, id: webhook.id } } : {}
  return Buffer.from(JSON.stringify({ ...payload, ...via }))
}

/** How long to wait for the runs, in milliseconds. */
const SETTLED_MS_MAX = 30_000

/** Waits until the local stack has finished with the event; undefined where it takes too long. */
async function waitUntilSettled(
  { now, sleep }: Shell,
  { ledger }: Pick<StageAws, 'ledger'>,
  eventId: string,
  version: number,
): Promise<EventRecord | undefined> {
  const until = now() + SETTLED_MS_MAX
  while (now() < until) {
    const record = await ledger.read(eventId)
    if (record && record.version > version && record.status !== 'open') return record
    await sleep(200)
  }
  return undefined
}

async function printResult(
  shell: Shell,
  record: EventRecord | undefined,
  { port, json }: LocalReplayOptions,
): Promise<void> {
  const runs = Object.entries(record?.runs ?? {}).map(([name, { status, attempts, error, reason }]) => ({
    name,
    status,
    attempts,
    why: error ? `${error.code}: ${error.message}` : (reason ?? ''),
  }))
  const page = `http://localhost:${port}`
  if (json) await shell.print(JSON.stringify({ status: record?.status ?? 'open', runs, page }, null, 2))
  else if (!record) await shell.print(`The event is still running in the local stack. Watch it at ${page}`)
  else if (runs.length === 0) await shell.print('The local stack accepted the event; no automation matched.')
  else {
    const rows = runs.map(({ name, status, attempts, why }) => [name, status, String(attempts), why])
    await shell.print(
      `${table([['RUN', 'STATUS', 'ATTEMPTS', 'WHY'], ...rows])}\n\nIts log and its calls: ${page}`,
    )
  }
  if (!runs.some(({ status }) => status === 'done' || status === 'skipped')) shell.exitCode = 1
}
