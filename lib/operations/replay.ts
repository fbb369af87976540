import { ExpectedError } from '../base/expected-error.ts'
import { ORIGINS } from '../event/event-body.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { unpackPayload } from '../ledger/payload.ts'
import { type EventRecord, isSettled, type RunRecord, type RunStatus } from '../ledger/record.ts'
import { describeBody, MESSAGE_BYTES_MAX, type Message, type Replay } from '../queue/message.ts'
import { type MessageSender, MessageTooLarge } from '../queue/message-sender.ts'

/** What is to be run again of an event. */
export type ReplayRequest = {
  /** Only this automation; all by default. */
  readonly automation?: string
  /** Takes back what is done, too: its effects happen anew. */
  readonly force?: boolean
}

export type ReplayCode = 'no_record' | 'payload_not_kept' | 'payload_damaged' | 'message_too_large'

/** An event can't be replayed; the message says why, and what to do. */
export class ReplayImpossible extends ExpectedError {
  override readonly name = 'ReplayImpossible'
  readonly code: ReplayCode

  constructor(code: ReplayCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** What a replay that was sent asks for. */
export type ReplaySent = {
  readonly eventId: string
  readonly trigger: string
  /** The runs that it takes back, each with what had become of it. */
  readonly takenBack: readonly { readonly name: string; readonly status: RunStatus }[]
  /** The runs that it leaves alone, because they are done or still under way, or were not asked for. */
  readonly left: readonly { readonly name: string; readonly status: RunStatus }[]
}

/** Through what a replay is asked for: the ledger that has the payload, and the queue that takes the message. */
export type ReplayParts = {
  readonly ledger: Pick<Ledger, 'read'>
  readonly queue: MessageSender
}

/**
 * Asks for an event to be run again from the payload in its ledger's record. The event's own lease and counts see to it
 * that a replay and whatever else goes on at the event do not meet.
 * @returns what the replay takes back; automations that the record does not have and that the event concerns start as well
 * @throws ReplayImpossible; what the clients of AWS throw
 */
export async function sendReplay(
  { ledger, queue }: ReplayParts,
  eventId: string,
  request: ReplayRequest = {},
): Promise<ReplaySent> {
  const record = await readReplayable(ledger, eventId)
  const message = replayMessage(record, request)
  try {
    await queue.send(message)
  } catch (error) {
    if (!(error instanceof MessageTooLarge)) throw error
    throw new ReplayImpossible(
      'message_too_large',
      `Event ${eventId} is as large as a message can be, so there is no room for what a replay has to say. Where it is on the dead-letter queue, redrive it instead.`,
      { cause: error },
    )
  }
  return describeReplay(record, message.replay)
}

/**
 * Reads an event's record for a replay.
 * @throws ReplayImpossible where there is none
 */
export async function readReplayable(ledger: Pick<Ledger, 'read'>, eventId: string): Promise<EventRecord> {
  const record = await ledger.read(eventId)
  if (record) return record
  throw new ReplayImpossible(
    'no_record',
    `The ledger has no record of event ${eventId}. Either it never came to this stage, or nothing was written about it for 35 days, after which a record is deleted. Compare the id with the log of automate; the id is that of the event, not of a delivery.`,
  )
}

/**
 * The message that asks for a replay of the event: the stored body, and which runs are to be taken back.
 * @throws ReplayImpossible where the body was not kept
 */
export function replayMessage(record: EventRecord, request: ReplayRequest): Message & { replay: Replay } {
  return { ...storedMessage(record), replay: replayOf(record, request) }
}

/**
 * The message of a stored event, as its first delivery brought it.
 * @throws ReplayImpossible where the body was not kept
 */
export function storedMessage(record: EventRecord): Message {
  const body = storedBody(record)
  const described = describeBody(body)
  return {
    eventId: record.eventId,
    deliveryId: record.deliveryId,
    trigger: record.trigger || described.trigger,
    receivedAt: record.receivedAt || new Date(0).toISOString(),
    origin: ORIGINS.find(known => known === record.origin) ?? 'webhook',
    webhookId: described.webhookId,
    body,
  }
}

/**
 * What a replay asks for. The runs that it names are settled and stay so unless they are taken back, which their counts then
 * tell.
 */
export function replayOf({ runs, redrives }: EventRecord, { automation, force }: ReplayRequest): Replay {
  const asked = ([name]: readonly [string, unknown]) => automation === undefined || automation === name
  const takes = (run: RunRecord) => isSettled(run) && (force || run.status !== 'done')
  const named = Object.entries(runs).filter(entry => asked(entry) && takes(entry[1]))
  return {
    runs: named.map(([name, run]) => ({ name, redrives: run.redrives })),
    redrives,
    ...(automation === undefined ? {} : { only: [automation] }),
  }
}

/** What a replay of the event takes back and what it leaves, as the record stands. */
export function describeReplay({ eventId, trigger, runs }: EventRecord, replay: Replay): ReplaySent {
  const names = new Set(replay.runs.map(({ name }) => name))
  const all = Object.entries(runs).map(([name, { status }]) => ({ name, status }))
  return {
    eventId,
    trigger,
    takenBack: all.filter(({ name }) => names.has(name)),
    left: all.filter(({ name }) => !names.has(name)),
  }
}

function storedBody({ eventId, payload }: EventRecord): Uint8Array {
  if (!payload)
    throw new ReplayImpossible(
      'payload_not_kept',
      `The ledger has a record of event ${eventId} but not its payload: that was larger than 150 KB when packed, or no event that boxhooks had verified. Where the event is on the dead-letter queue, redrive it; that has it whole.`,
    )
  try {
    return unpackPayload(payload, MESSAGE_BYTES_MAX)
  } catch (cause) {
    throw new ReplayImpossible(
      'payload_damaged',
      `The payload of event ${eventId} in the ledger can't be unpacked, so it was changed after boxhooks wrote it. Find out who writes to the table; only automate should.`,
      { cause },
    )
  }
}
