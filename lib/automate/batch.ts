import type { SQSBatchResponse, SQSRecord } from 'aws-lambda'
import { backoffSeconds, OUTAGE_RETRY } from '../base/retry.ts'
import type { LogSample } from '../log/log.ts'
import { errorKind, type Log } from '../log/log.ts'
import { privateTexts } from '../log/private-texts.ts'
import { type DecodedMessage, decodeMessage } from '../queue/message.ts'
import { type Queue, VISIBILITY_SECONDS_MAX } from '../queue/queue.ts'
import { dispatch } from './dispatch.ts'
import type { DispatchDeps, Disposition } from './disposition.ts'

export type BatchDeps = DispatchDeps & {
  readonly queue: Queue
  /** How many events are worked on at a time. */
  readonly concurrency: number
  /** Which events are logged though nothing is wrong; all of them where there is none. */
  readonly inSample?: LogSample
}

/**
 * With less time than this left no further event is started, in milliseconds; or with a third of what there was to begin
 * with, where a function has so little that it would start none at all.
 */
const START_MS = 10_000

/**
 * A message that keeps coming back is sent anew before SQS could lose it: it drops a message after 14 days, and moves it
 * to the dead-letter queue after 1000 receives, of which waits that don't count as attempts may need many.
 */
const RENEW_AFTER = { receives: 500, ageMs: 10 * 86_400_000 }

/** Milliseconds since the epoch. */
type Time = { readonly begunAt: number; readonly deadline: number; readonly startUntil: number }

type Entry = {
  readonly record: SQSRecord
  readonly decoded: DecodedMessage
}

/**
 * Works through a batch of messages from SQS. Events run concurrently up to a bound; messages of one event one after
 * the other. Nothing that happens to one message touches another's: an event whose worker was lost before may have been
 * the reason, so it is worked off alone, after the others. Where code that an earlier run left behind keeps it from being
 * alone, the process is reserved for it: nothing else begins until it has had its turn.
 * @param deadline when the Lambda will be stopped, in milliseconds since the epoch
 * @returns the messages that SQS must keep; never throws
 */
export async function handleBatch(
  records: readonly SQSRecord[],
  deadline: number,
  deps: BatchDeps,
): Promise<SQSBatchResponse> {
  const events = [...Map.groupBy(records.map(entryOf), entry => entry.decoded.message.eventId).values()]
  const kept: string[] = []
  const suspects: Entry[] = []
  const begunAt = deps.clock.now()
  const time = { begunAt, deadline, startUntil: deadline - Math.min(START_MS, (deadline - begunAt) / 3) }
  const { leftBehind, clock } = deps
  const isAlone = () => leftBehind.isEmpty(clock.now())
  const reserved = leftBehind.reservedFor(begunAt)
  const alone = (events.length === 1 || reserved !== undefined) && isAlone()
  const workOff = async (): Promise<void> => {
    for (let event = events.shift(); event; event = events.shift())
      for (const entry of event) {
        const mayBegin = reserved === undefined || reserved === entry.decoded.message.eventId
        const fate = mayBegin ? await fateOf(entry, time, alone, deps) : await putOff(entry, deps)
        if (reserved !== undefined && mayBegin && fate !== 'suspect') leftBehind.release()
        if (fate === 'kept') kept.push(entry.record.messageId)
        if (fate === 'suspect') suspects.push(entry)
      }
  }
  await Promise.all(Array.from({ length: deps.concurrency }, workOff))
  // Chance puts the innocent first often enough: whatever kills the process is charged alone, and ends in time.
  for (const entry of shuffled(suspects, deps.random)) {
    if (!isAlone()) leftBehind.reserve(entry.decoded.message.eventId, clock.now())
    const fate = isAlone() ? await fateOf(entry, time, true, deps) : await putOff(entry, deps)
    if (fate !== 'finished') kept.push(entry.record.messageId)
  }
  return { batchItemFailures: kept.map(itemIdentifier => ({ itemIdentifier })) }
}

/** How long a message waits that its process may not begin, in seconds; another process may take it. */
const NOT_ALONE_SECONDS = 30

async function putOff(entry: Entry, batch: BatchDeps): Promise<'finished' | 'kept'> {
  const log = eventLog(entry, batch)
  const receiveCount = Number(entry.record.attributes.ApproximateReceiveCount) || 1
  log.info('event_waiting', { reason: 'not_alone', delaySeconds: NOT_ALONE_SECONDS })
  return hideOrRenew(entry, receiveCount, NOT_ALONE_SECONDS, log, batch).catch(error =>
    keptAfterError(error, entry, receiveCount, log, batch),
  )
}

function shuffled<V>(values: readonly V[], random: () => number): V[] {
  return values
    .map(value => ({ value, key: random() }))
    .sort((one, other) => one.key - other.key)
    .map(({ value }) => value)
}

/** SQS always sends every field; a record of something else that lacks one must not cost its neighbours their turn. */
function entryOf(given: SQSRecord): Entry {
  const record = { ...given, attributes: given.attributes ?? {} }
  const attributes = Object.entries(given.messageAttributes ?? {}).map(
    ([name, value]) => [name, value?.stringValue] as const,
  )
  const groupId = record.attributes.MessageGroupId
  return {
    record,
    decoded: decodeMessage({ body: record.body ?? '', attributes: Object.fromEntries(attributes), groupId }),
  }
}

/** What becomes of a message: SQS drops it, keeps it, or it is put aside to be worked off alone. */
async function fateOf(
  entry: Entry,
  { begunAt, deadline, startUntil }: Time,
  alone: boolean,
  batch: BatchDeps,
): Promise<'finished' | 'kept' | 'suspect'> {
  const { record, decoded } = entry
  const deps = { ...batch, log: eventLog(entry, batch) }
  const { log, clock } = deps
  const receiveCount = Number(record.attributes.ApproximateReceiveCount) || 1
  try {
    const disposition =
      clock.now() > startUntil
        ? noTimeLeft(log, deps)
        : await dispatch(deps, { decoded, receiveCount, begunAt, deadline, alone })
    if (disposition.kind !== 'later') return disposition.kind
    return await hideOrRenew(entry, receiveCount, disposition.delaySeconds, log, deps)
  } catch (error) {
    return keptAfterError(error, entry, receiveCount, log, deps)
  }
}

/**
 * Every line tells the event and the copy of its message, and hides what the event says in words. The log is held back where the
 * event is not in the sample and nothing out of the ordinary has happened to it; one that comes back may have lost its worker,
 * and what that held back.
 */
function eventLog({ record, decoded: { message } }: Entry, { log, inSample }: BatchDeps): Log {
  const { eventId, body } = message
  const cameBefore =
    Number(record.attributes.ApproximateReceiveCount) > 1 || message.failure || message.replay
  const held = cameBefore || inSample?.(eventId) !== false ? log : log.held()
  let texts: readonly string[] | undefined
  return held.with({ eventId, messageId: record.messageId }).hiding(() => {
    texts ??= privateTexts(body)
    return texts
  })
}

/** Hides the message for a while, or sends it again where SQS could lose it. */
async function hideOrRenew(
  { record, decoded }: Entry,
  receiveCount: number,
  delaySeconds: number,
  log: Log,
  deps: BatchDeps,
): Promise<'finished' | 'kept'> {
  if (isWornOut(record, receiveCount, delaySeconds, deps)) {
    await deps.queue.send(decoded.message)
    log.info('message_renewed', { receiveCount })
    return 'finished'
  }
  await deps.queue.delay(record.receiptHandle, delaySeconds)
  return 'kept'
}

function noTimeLeft(log: Log, deps: BatchDeps): Disposition {
  log.info('event_waiting', { reason: 'no_time_left' })
  return { kind: 'later', delaySeconds: Math.round(deps.random() * 3) }
}

function isWornOut(record: SQSRecord, receiveCount: number, delaySeconds: number, deps: BatchDeps): boolean {
  const sentAt = Number(record.attributes.SentTimestamp) || deps.clock.now()
  const ageMs = deps.clock.now() + Math.min(delaySeconds, VISIBILITY_SECONDS_MAX) * 1000 - sentAt
  return receiveCount >= RENEW_AFTER.receives || ageMs >= RENEW_AFTER.ageMs
}

/** What failed here is ours or AWS's, not the automation's: the message waits, and no attempt is counted. */
async function keptAfterError(
  error: unknown,
  entry: Entry,
  receiveCount: number,
  log: Log,
  deps: BatchDeps,
): Promise<'finished' | 'kept'> {
  const message = error instanceof Error ? error.message : String(error)
  log.error('message_failed', { error: errorKind(error), message })
  const delaySeconds = 1 + backoffSeconds(OUTAGE_RETRY, receiveCount, deps.random)
  // Where this fails as well, the queue's own visibility timeout brings the message back.
  return hideOrRenew(entry, receiveCount, delaySeconds, log, deps).catch(() => 'kept')
}
