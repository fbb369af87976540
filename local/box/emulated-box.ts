import type { Clock } from '../../lib/clock.ts'
import type { SignatureKeys } from '../../lib/signature.ts'
import { type ApiCall, createApi, type Fault } from './api.ts'
import { Content } from './content.ts'
import { type Attempt, Deliveries, type Outgoing } from './delivery.ts'
import type { Happening, User } from './items.ts'
import { samplePayload, wireBody } from './payload.ts'
import { Tokens } from './tokens.ts'
import { type Webhook, Webhooks } from './webhooks.ts'
import { boxTime } from './wire.ts'

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
  readonly onAttempt?: (attempt: Attempt) => void
  readonly onCall?: (call: ApiCall) => void
}

/** One Box enterprise with one application, in memory: its API, its content, its webhooks and their deliveries. */
export type EmulatedBox = {
  readonly content: Content
  readonly webhooks: Webhooks
  readonly deliveries: Deliveries
  readonly tokens: Tokens
  /** The API's faults to come, in order. */
  readonly faults: Fault[]
  /** Every event sent so far that is still kept, the newest last. */
  readonly sent: readonly Outgoing[]
  /** Signs new deliveries with other keys, as after a reset in the Developer Console. */
  setKeys(keys: SignatureKeys): void
  /** Answers a call to the API. */
  fetch(request: Request): Promise<Response>
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
  const sent: Outgoing[] = []
  const underWay = new Set<Promise<unknown>>()
  const deliveries = new Deliveries({
    clock,
    newId,
    fetch: options.fetch,
    keys: () => keys,
    ...(options.retrySeconds ? { retrySeconds: options.retrySeconds } : {}),
    ...(options.keepFirstTimestamp ? { keepFirstTimestamp: true } : {}),
    ...(options.onAttempt ? { onAttempt: options.onAttempt } : {}),
  })
  /** Each webhook on the item's path is told by an event of its own. */
  const tell = (happening: Happening): void => {
    for (const webhook of webhooks.toldOf(happening)) {
      const outgoing = eventFor(happening, webhook, newId(), boxTime(clock.now()))
      sent.push(outgoing)
      if (sent.length > SENT_MAX) sent.shift()
      const sending = deliveries.send(outgoing).finally(() => underWay.delete(sending))
      underWay.add(sending)
    }
  }
  const content = new Content({
    now: clock.now,
    owner: OWNER,
    onHappening: tell,
    copyFiresUploaded: options.copyFiresUploaded ?? true,
  })
  const webhooks = new Webhooks({ content, now: clock.now, allowLocalAddresses: true })
  const tokens = new Tokens({
    now: clock.now,
    newId,
    clientId: options.clientId ?? 'local-client',
    clientSecret: options.clientSecret ?? 'local-secret',
  })
  const faults: Fault[] = []
  const onCall = options.onCall ?? (() => {})
  const api = createApi({ content, webhooks, tokens, faults, newId, now: clock.now, onCall })
  return {
    content,
    webhooks,
    deliveries,
    tokens,
    faults,
    sent,
    setKeys(next) {
      keys = next
    },
    fetch: async request => api.fetch(request),
    async settled() {
      while (underWay.size > 0) await Promise.allSettled(underWay)
    },
    close: () => deliveries.close(),
  }
}

function eventFor(happening: Happening, webhook: Webhook, eventId: string, createdAt: string): Outgoing {
  const { trigger, source, by, additionalInfo } = happening
  const payload = {
    ...samplePayload(trigger, { id: eventId, createdAt, webhookId: webhook.id, createdBy: by }),
    source,
    additional_info: additionalInfo ?? [],
  }
  return { eventId, trigger, webhookId: webhook.id, address: webhook.address, body: wireBody(payload) }
}
