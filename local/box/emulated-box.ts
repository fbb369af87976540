import { randomBytes } from 'node:crypto'
import type { Clock } from '../../lib/base/clock.ts'
import type { KeyName, SignatureKeys } from '../../lib/ingest/signature.ts'
import { describeBody } from '../../lib/queue/message.ts'
import { type Attempt, type Bend, Deliveries, type Outgoing, postWith } from './events/delivery.ts'
import { EventLog } from './events/event-log.ts'
import { payloadOf, shapeAbout } from './events/event-payload.ts'
import { shapeOf, wireBody } from './events/payload.ts'
import type { WireObject } from './events/shapes.ts'
import { boxTime } from './events/wire.ts'
import { type ApiCall, createApi } from './routes/api.ts'
import { type Conditions, USUAL } from './state/conditions.ts'
import { Content } from './state/content.ts'
import type { Fault } from './state/faults.ts'
import type { Happening, User } from './state/items.ts'
import { BoxRefusal, notFound } from './state/refusal.ts'
import { Tokens } from './state/tokens.ts'
import { type Webhook, Webhooks, wireWebhookMini } from './state/webhooks.ts'

export type EmulatedBoxOptions = {
  readonly clock: Clock
  /** A text that is never made twice, for events, deliveries, tokens and requests. */
  readonly newId: () => string
  /** Sends a delivery; the global fetch for instance. */
  readonly fetch: (request: Request) => Promise<Response>
  readonly keys: SignatureKeys
  readonly clientId?: string
  readonly clientSecret?: string
  /** Seconds between the attempts of a delivery; see RETRY_CURVES. */
  readonly retrySeconds?: readonly number[]
  readonly keepFirstTimestamp?: boolean
  readonly copyFiresUploaded?: boolean
  /** Sends each webhook an event under an id of its own, as nobody has seen Box do; by default all get the same id. */
  readonly eventIdPerWebhook?: boolean
  readonly conditions?: Partial<Conditions>
  readonly onAttempt?: (attempt: Attempt) => void
  readonly onCall?: (call: ApiCall) => void
}

/** Something that a listener is told of. */
type Notice =
  | { readonly kind: 'happening'; readonly happening: Happening }
  | { readonly kind: 'attempt'; readonly attempt: Attempt }
  | { readonly kind: 'call'; readonly call: ApiCall }

/** A delivery that is not Box's own doing. */
type CustomDelivery = {
  readonly address: string
  /** A payload, which is written as Box writes it, or the very bytes to send. */
  readonly body: WireObject | Uint8Array
}

/** One Box enterprise with one application, in memory: its API, its content, its webhooks and their deliveries. */
export type EmulatedBox = {
  readonly content: Content
  readonly webhooks: Webhooks
  readonly deliveries: Deliveries
  readonly tokens: Tokens
  /** What the event streams tell. */
  readonly events: EventLog
  /** The API's faults to come, in order. */
  readonly faults: Fault[]
  /** What Box does only at times; may be changed at any time. */
  readonly conditions: Conditions
  /** Every event sent so far that is still kept, the newest last. */
  readonly sent: readonly Outgoing[]
  /**
   * Delivers an event again, under a new delivery id, as Box may do.
   * @throws BoxRefusal (404) where the event is not kept any more
   */
  deliverAgain(eventId: string, bend?: Bend): Promise<Attempt>
  /**
   * Deletes a webhook as Box does with those whose deliveries have failed for long, and tells its address so.
   * @throws BoxRefusal (404) where there is no such webhook
   * @see https://developer.box.com/guides/webhooks/v2/limitations-v2/
   */
  cleanUp(webhookId: string): Promise<Attempt>
  /** Delivers anything, signed as Box would sign it. */
  sendCustom(custom: CustomDelivery, bend?: Bend): Promise<Attempt>
  /** Whether the session of the app is over, so that events come without their payload. */
  readonly sessionEnded: boolean
  /** Ends the session of the app, as removing its authorisation does, or begins it again. */
  setSession(ended: boolean): void
  /** What new deliveries are signed with. */
  readonly keys: SignatureKeys
  /** Signs new deliveries with other keys, as after a reset in the Developer Console. */
  setKeys(keys: SignatureKeys): void
  /**
   * Resets one key, as the Developer Console does it: new deliveries are signed with another from now on.
   * @returns the new key
   */
  resetKey(name: KeyName): string
  /** Answers a call to the API. */
  fetch(request: Request): Promise<Response>
  /** Calls back with everything that happens, until the returned function is called. */
  on(listener: (notice: Notice) => void): () => void
  /** Waits until every first attempt of what has happened is over. */
  settled(): Promise<void>
  close(): Promise<void>
}

/** How many events are kept to be delivered again. */
const SENT_MAX = 1000

const OWNER: User = {
  type: 'user',
  id: '10001',
  name: 'boxhooks service account',
  login: 'AutomationUser_1_boxhooks@boxdevedition.com',
}

export function createEmulatedBox(options: EmulatedBoxOptions): EmulatedBox {
  const { clock, newId } = options
  let keys = options.keys
  let sessionEnded = false
  const sent: Outgoing[] = []
  const underWay = new Set<Promise<unknown>>()
  const listeners = new Set<(notice: Notice) => void>()
  const notify = (notice: Notice): void => {
    for (const listener of listeners) listener(notice)
  }
  const deliveries = new Deliveries({
    clock,
    newId,
    post: postWith(options.fetch),
    keys: () => keys,
    ...(options.retrySeconds ? { retrySeconds: options.retrySeconds } : {}),
    ...(options.keepFirstTimestamp ? { keepFirstTimestamp: true } : {}),
    onAttempt(attempt) {
      options.onAttempt?.(attempt)
      notify({ kind: 'attempt', attempt })
    },
  })
  const send = (outgoing: Outgoing, bend?: Bend): Promise<Attempt> => {
    sent.push(outgoing)
    if (sent.length > SENT_MAX) sent.shift()
    return deliveries.send(outgoing, bend)
  }
  /**
   * Sends a happening to each webhook on the item's path, as one event under one id (captured: two rows in one
   * receiver's log that differ in the webhook's id alone).
   */
  const tell = (happening: Happening): void => {
    events.record(happening)
    notify({ kind: 'happening', happening })
    const [id, at] = [newId(), boxTime(clock.now())]
    for (const webhook of webhooks.toldOf(happening)) {
      const event = sessionEnded
        ? withoutSession(happening, webhook, at)
        : eventFor(happening, webhook, options.eventIdPerWebhook ? newId() : id, at)
      const sending = send(event).finally(() => underWay.delete(sending))
      underWay.add(sending)
    }
  }
  const content = new Content({
    now: clock.now,
    owner: OWNER,
    onHappening: tell,
    copyFiresUploaded: options.copyFiresUploaded ?? true,
  })
  const events = new EventLog(content.tree, clock.now)
  const webhooks = new Webhooks({ content, now: clock.now, allowLocalAddresses: true })
  const conditions: Conditions = { ...USUAL, ...options.conditions }
  const tokens = new Tokens({
    now: clock.now,
    conditions,
    newId,
    clientId: options.clientId ?? 'local-client',
    clientSecret: options.clientSecret ?? 'local-secret',
  })
  const faults: Fault[] = []
  const closing = new AbortController()
  const onCall = (call: ApiCall): void => {
    options.onCall?.(call)
    notify({ kind: 'call', call })
  }
  const parts = { content, webhooks, events, tokens, faults, conditions }
  const api = createApi({ ...parts, newId, clock, onCall, closing: closing.signal })
  return {
    content,
    webhooks,
    deliveries,
    tokens,
    events,
    faults,
    conditions,
    sent,
    async deliverAgain(eventId, bend) {
      const event = sent.findLast(one => one.eventId === eventId)
      if (!event) throw new BoxRefusal(404, 'not_found', `The event ${eventId} is not kept any more.`)
      return deliveries.send(event, bend)
    },
    cleanUp(webhookId) {
      const webhook = webhooks.all.get(webhookId)
      if (!webhook) throw notFound('webhook', webhookId)
      webhooks.all.delete(webhookId)
      return send(deletionOf(webhook, newId(), boxTime(clock.now())))
    },
    sendCustom: ({ address, body }, bend) => send(outgoing(address, body, boxTime(clock.now())), bend),
    get keys() {
      return keys
    },
    get sessionEnded() {
      return sessionEnded
    },
    setSession(ended) {
      sessionEnded = ended
    },
    setKeys(next) {
      keys = next
    },
    resetKey(name) {
      // 32 characters, as long as the keys that Box generates.
      const key = randomBytes(24).toString('base64url')
      keys = { ...keys, [name]: key }
      return key
    },
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    fetch: async request => api.fetch(request),
    async settled() {
      while (underWay.size > 0) await Promise.allSettled(underWay)
    },
    async close() {
      closing.abort()
      await deliveries.close()
    },
  }
}

function eventFor(happening: Happening, webhook: Webhook, eventId: string, createdAt: string): Outgoing {
  const { trigger, item } = happening
  const shape = shapeAbout(trigger, item.type === 'folder' ? 'folder' : 'file')
  const facts = { id: eventId, createdAt, webhookId: webhook.id }
  return outgoing(webhook.address, payloadOf(shape, happening, facts), createdAt)
}

/**
 * What Box sends of a happening when the session behind the webhook is over.
 * @see https://developer.box.com/guides/webhooks/v2/limitations-v2/
 */
function withoutSession(happening: Happening, webhook: Webhook, sentAt: string): Outgoing {
  const payload = payloadOf(shapeOf('NO_ACTIVE_SESSION'), happening, { webhookId: webhook.id })
  return outgoing(webhook.address, payload, sentAt)
}

/** What Box sends when it deletes a webhook of its own accord. */
function deletionOf(webhook: Webhook, eventId: string, createdAt: string): Outgoing {
  const source = wireWebhookMini(webhook)
  const happening = { source, item: source, by: webhook.createdBy }
  const facts = { id: eventId, createdAt, webhookId: webhook.id }
  return outgoing(webhook.address, payloadOf(shapeOf('WEBHOOK.DELETED'), happening, facts), createdAt)
}

/** What is sent is known by what its body says of itself. */
function outgoing(address: string, body: WireObject | Uint8Array, sentAt: string): Outgoing {
  const bytes = body instanceof Uint8Array ? body : wireBody(body)
  const { eventId, trigger, webhookId } = describeBody(bytes, sentAt)
  return { eventId, trigger, webhookId, address, body: bytes }
}
