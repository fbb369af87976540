import { isUtf8 } from 'node:buffer'
import { isObject, parseObject } from '../base/json.ts'
import { carriable, idText, ORIGINS, type Origin, readBody, UNKNOWN } from '../event/event-body.ts'

/** Why an event lies on the dead-letter queue; travels with it as the attribute `failure`. */
export type Failure = {
  readonly code: string
  readonly message: string
  /** ISO 8601. */
  readonly at: string
  /** The runs that were given up, with the number of redrives each had had; empty where the event as a whole failed. */
  readonly automations: readonly FailedRun[]
  /**
   * Present where more runs were given up than can be named: it stands for every failed run that had been redriven so
   * many times at most.
   */
  readonly all?: number
  /** How often the event as a whole had been redriven. */
  readonly redrives: number
}

export type FailedRun = {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly attempts: number
  readonly redrives: number
}

/** What somebody asks to be run again; travels with the event's message as the attribute `replay`. */
export type Replay = {
  /** The settled runs to be taken back, each with the number of redrives it had had when the replay was asked for. */
  readonly runs: readonly ReplayedRun[]
  /** How often the event as a whole had been redriven by then. */
  readonly redrives: number
  /** Names of automations; where it is given, no other starts. */
  readonly only?: readonly string[]
}

type ReplayedRun = Pick<FailedRun, 'name' | 'redrives'>

/** What travels on the queue: the raw body, and beside it what can be known without trusting or losing it. */
export type Message = {
  readonly eventId: string
  readonly deliveryId: string
  readonly trigger: string
  /** When the front door accepted the delivery, ISO 8601. */
  readonly receivedAt: string
  readonly origin: Origin
  /** The webhook the delivery came through, which stands for its target: Box allows one webhook per item. */
  readonly webhookId: string
  readonly body: Uint8Array
  /** Present where this version could not read the message, which then travels on as it came: the attributes it has. */
  readonly unread?: { readonly attributes: Readonly<Record<string, string>> }
  /** Present on a dead letter, and on a message that was redriven from the dead-letter queue. */
  readonly failure?: Failure
  /** Present where somebody has asked for the event to be run again. */
  readonly replay?: Replay
}

/** A message as SQS takes it. */
export type EncodedMessage = {
  readonly body: string
  readonly attributes: Readonly<Record<string, string>>
  readonly groupId: string
}

/** A message as SQS gives it back. */
export type ReceivedMessage = {
  readonly body: string
  readonly attributes: Readonly<Record<string, string | undefined>>
  readonly groupId?: string | undefined
}

/** The largest message SQS takes, body and attributes together, in bytes. */
export const MESSAGE_BYTES_MAX = 1_048_576

/** The largest attribute `failure`, in bytes. What tells more than fits is shortened. */
const FAILURE_BYTES_MAX = 4096

/** The largest message that is put on the queue at first: whatever happens, it fits the dead-letter queue with its reason. */
export const MESSAGE_BYTES_FIRST_MAX = MESSAGE_BYTES_MAX - FAILURE_BYTES_MAX

const FORMATS = ['v1.text', 'v1.base64'] as const

/**
 * Describes a delivery's body for the queue, as everything that comes after reads it.
 * @param sentAt when the body was sent, in RFC 3339: the text of BOX-DELIVERY-TIMESTAMP
 */
export function describeBody(
  body: Uint8Array,
  sentAt?: string,
): Pick<Message, 'eventId' | 'trigger' | 'webhookId'> {
  const { eventId, trigger = UNKNOWN, webhookId } = readBody(body, sentAt)
  return { eventId, trigger, webhookId }
}

/**
 * Gives a message the form in which SQS carries it unharmed. SQS refuses control characters and bytes that are no
 * UTF-8, so a body that has any travels as base64.
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
export function encodeMessage(message: Message): EncodedMessage {
  const text = message.unread ? Buffer.from(message.body).toString() : carriableText(message.body)
  const described: Record<string, string> = {
    messageFormat: text === undefined ? 'v1.base64' : 'v1.text',
    eventId: message.eventId,
    deliveryId: carriable(message.deliveryId).slice(0, 256) || UNKNOWN,
    trigger: message.trigger,
    receivedAt: message.receivedAt,
    origin: message.origin,
    ...(message.replay ? { replay: asciiJson(message.replay) } : {}),
  }
  const attributes = message.unread ? asItCame(message.unread.attributes, described) : described
  return {
    body: text ?? Buffer.from(message.body).toString('base64'),
    attributes: message.failure ? { ...attributes, failure: failureText(message.failure) } : attributes,
    groupId: groupId(message.webhookId),
  }
}

/** SQS takes ten attributes; one place is kept for the failure. */
const ATTRIBUTES_MAX = 9

/** A message's own attributes come first; beside them there may be room for what its body tells. It keeps its own format, or none. */
function asItCame(
  own: Readonly<Record<string, string>>,
  { messageFormat, ...described }: Readonly<Record<string, string>>,
): Record<string, string> {
  const { failure, ...all } = { ...own, ...described, ...own }
  return Object.fromEntries(Object.entries(all).slice(0, ATTRIBUTES_MAX))
}

/** The bytes that count against {@link MESSAGE_BYTES_MAX}: the body, and each attribute's name, type and value. */
export function encodedBytes(encoded: EncodedMessage): number {
  let bytes = Buffer.byteLength(encoded.body)
  for (const [name, value] of Object.entries(encoded.attributes))
    bytes += Buffer.byteLength(name) + 'String'.length + Buffer.byteLength(value)
  return bytes
}

export type DecodedMessage =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly reason: string; readonly message: Message }

/**
 * Reads a message from the queue. Never throws: one that boxhooks did not write (or that a newer boxhooks wrote)
 * comes back with the reason and with its text as the body, so that it can be dead-lettered whole.
 */
export function decodeMessage(received: ReceivedMessage): DecodedMessage {
  const { attributes } = received
  const format = FORMATS.find(known => known === attributes.messageFormat)
  const decoded = format && bodyIn(received.body, format)
  const body = decoded ?? Buffer.from(received.body)
  const receivedAt = isoTime(attributes.receivedAt)
  const described = (decoded && describedBeside(received)) ?? describeBody(body, receivedAt)
  const failure = parseFailure(attributes.failure)
  const replay = parseReplay(attributes.replay)
  const message: Message = {
    eventId: idText(attributes.eventId) ?? described.eventId,
    deliveryId: attributes.deliveryId || UNKNOWN,
    trigger: attributes.trigger || described.trigger,
    receivedAt,
    origin: ORIGINS.find(known => known === attributes.origin) ?? 'webhook',
    webhookId: described.webhookId,
    body,
    ...(failure ? { failure } : {}),
    ...(replay ? { replay } : {}),
  }
  if (decoded) return { ok: true, message }
  const own = Object.entries(attributes).filter((entry): entry is [string, string] => Boolean(entry[1]))
  const unread = { attributes: Object.fromEntries(own) }
  return { ok: false, reason: whyUnread(attributes.messageFormat), message: { ...message, unread } }
}

/** What stands beside the body, so that it need not be read for it; undefined where something is missing. */
function describedBeside({
  attributes,
  groupId: webhookId,
}: ReceivedMessage): ReturnType<typeof describeBody> | undefined {
  const { trigger } = attributes
  const eventId = idText(attributes.eventId)
  return eventId && trigger && webhookId ? { eventId, trigger, webhookId } : undefined
}

/** The bytes in a message's body; undefined where they are not what the format says. */
function bodyIn(text: string, format: (typeof FORMATS)[number]): Buffer | undefined {
  if (format === 'v1.text') return Buffer.from(text)
  const bytes = Buffer.from(text, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : undefined
}

function whyUnread(format: string | undefined): string {
  if (!format)
    return 'The message has no messageFormat attribute, so boxhooks did not write it. Find out who sends to this queue; only ingest should.'
  if (format === 'v1.base64')
    return 'The message has format "v1.base64", but its body is no base64, so it was changed after boxhooks wrote it, or written by something else. Find out who sends to this queue; only ingest should.'
  return `The message has format ${JSON.stringify(format.slice(0, 64))}, which this version does not read (it reads ${FORMATS.join(', ')}). Deploy the version that wrote it, then redrive.`
}

/** The time in an attribute, or the epoch where it is missing or unreadable: an old time delays nothing. */
function isoTime(text: string | undefined): string {
  const time = Date.parse(text ?? '')
  return new Date(Number.isNaN(time) ? 0 : time).toISOString()
}

function parseFailure(text: string | undefined): Failure | undefined {
  if (!text) return undefined
  const json = parseObject(text) ?? {}
  const automations = Array.isArray(json.automations) ? json.automations.filter(isObject) : []
  return {
    code: string(json.code),
    message: string(json.message),
    at: string(json.at),
    redrives: count(json.redrives),
    ...(Number.isSafeInteger(json.all) ? { all: count(json.all) } : {}),
    automations: automations.map(run => ({
      name: string(run.name),
      code: string(run.code),
      message: string(run.message),
      attempts: count(run.attempts),
      redrives: count(run.redrives),
    })),
  }
}

/** What can't be read asks for nothing: the message is then one more copy of its event. */
function parseReplay(text: string | undefined): Replay | undefined {
  const json = text ? parseObject(text) : undefined
  if (!json) return undefined
  const runs = Array.isArray(json.runs) ? json.runs.filter(isObject) : []
  return {
    runs: runs.map(run => ({ name: string(run.name), redrives: count(run.redrives) })),
    redrives: count(json.redrives),
    ...(Array.isArray(json.only) ? { only: json.only.map(string) } : {}),
  }
}

const string = (value: unknown): string => (typeof value === 'string' ? value : '')
const count = (value: unknown): number => (Number.isSafeInteger(value) ? Number(value) : 0)

/** The body's text where SQS carries it unharmed. */
function carriableText(body: Uint8Array): string | undefined {
  if (!isUtf8(body)) return undefined
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
  // SQS refuses an empty body, too.
  return text !== '' && carriable(text) === text ? text : undefined
}

/** Shortens what the failure says, and then whom it names, until it fits. */
function failureText(failure: Failure): string {
  const room = FAILURE_BYTES_MAX - 'failureString'.length
  for (const length of [1000, 200, 0]) {
    const cut = <M extends { readonly message: string }>(told: M): M => ({
      ...told,
      message: told.message.slice(0, length),
    })
    const text = asciiJson({ ...cut(failure), automations: failure.automations.map(cut) })
    if (text.length <= room) return text
  }
  const { automations } = failure
  const rest = { ...failure, code: failure.code.slice(0, 64), at: failure.at.slice(0, 64), message: '' }
  const all = Math.max(...automations.map(({ redrives }) => redrives))
  let named = automations.length
  const text = () => {
    const some = automations.slice(0, named).map(run => ({ ...run, message: '' }))
    return asciiJson({ ...rest, automations: some, ...(named < automations.length ? { all } : {}) })
  }
  while (named > 0 && text().length > room) named -= 1
  return text()
}

/** JSON in which whatever SQS could refuse is escaped. */
const asciiJson = (value: object): string =>
  JSON.stringify(value).replace(/[^ -~]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** SQS takes up to 128 letters, digits and punctuation marks, which is what {@link idText} lets through. */
const groupId = (webhookId: string): string => idText(webhookId) ?? UNKNOWN
