import { createHmac, randomUUID } from 'node:crypto'
import {
  AGE_MAX_SECONDS,
  SIGNATURE_ALGORITHM,
  SIGNATURE_VERSION,
  type SignatureKeys,
  SKEW_MAX_SECONDS,
  sign,
} from '../lib/ingest/signature.ts'
import { type PayloadOverrides, samplePayload, wireBody } from '../local/box/events/payload.ts'

/** What an answer must be. */
export type Expectation =
  /** 2xx: Box counts the delivery as taken, and sends it no more. */
  | 'accepted'
  /** 4xx: the sender is told that it is at fault. Never 2xx, and no 5xx, which would say that the receiver is. */
  | 'refused'
  /** As refused, or told to come back later with 429. */
  | 'refused or throttled'
  /** Anything but 5xx: what can't be used must not make the receiver fail, or Box sends it again for two hours. */
  | 'handled'
  /** Nothing: the request only prepares the next one. */
  | 'anything'

export type Header = readonly [name: string, value: string]

/** One request as it goes over the wire. */
export type Delivery = {
  readonly method: string
  /** In this order, and repeated where one is here twice. */
  readonly headers: readonly Header[]
  readonly body: Uint8Array
  /** Sends the body in pieces without saying its length first. */
  readonly chunked?: true
  /** Sends the second half of the body only after so many milliseconds. */
  readonly pauseMs?: number
  /** Hangs up after half of the body. */
  readonly breaksOff?: true
  /** What its answer must be, where that differs from the requirement's other requests. */
  readonly expect?: Expectation
}

export type GenuineOptions = {
  readonly trigger?: string
  readonly overrides?: PayloadOverrides
  /** The very bytes, instead of a trigger's payload. */
  readonly body?: string | Uint8Array
  /** The text of the timestamp header; now, as Box writes it, by default. */
  readonly timestamp?: string
  /** The keys that sign, by the header that carries their signature; those of the receiver by default. */
  readonly keys?: SignatureKeys
}

/** Makes deliveries as Box does, from the keys that the receiver has. */
export type Kit = {
  readonly primary: string
  /** Undefined where the receiver's secondary key is not known here. */
  readonly secondary: string | undefined
  /** A key that the receiver had once and has no more; undefined where there is none. */
  readonly retired: string | undefined
  /** How old a delivery the receiver takes, in milliseconds. */
  readonly ageMaxMs: number
  /** How far ahead of its clock the receiver takes a delivery, in milliseconds. */
  readonly skewMaxMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  genuine(options?: GenuineOptions): Delivery
  /**
   * A key for requirements that need it.
   * @throws Error where it is not known, which is found out before
   */
  need(which: 'secondary' | 'retired'): string
}

export type KitOptions = {
  /** The receiver's keys, and one that it has no more. */
  readonly keys: {
    readonly primary: string
    readonly secondary?: string | undefined
    readonly retired?: string | undefined
  }
  /** As Box's guide has it by default: ten minutes. */
  readonly ageMaxSeconds?: number
  /** A minute by default. */
  readonly skewMaxSeconds?: number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

export const SIGNATURES = { primary: 'BOX-SIGNATURE-PRIMARY', secondary: 'BOX-SIGNATURE-SECONDARY' } as const
export const TIMESTAMP = 'BOX-DELIVERY-TIMESTAMP'
export const DELIVERY_ID = 'BOX-DELIVERY-ID'
export const VERSION = 'BOX-SIGNATURE-VERSION'
export const ALGORITHM = 'BOX-SIGNATURE-ALGORITHM'

/** Makes a kit for a receiver's keys and bounds. */
export function createKit(given: KitOptions): Kit {
  const { keys, now = Date.now } = given
  return {
    primary: keys.primary,
    secondary: keys.secondary,
    retired: keys.retired,
    ageMaxMs: (given.ageMaxSeconds ?? AGE_MAX_SECONDS) * 1000,
    skewMaxMs: (given.skewMaxSeconds ?? SKEW_MAX_SECONDS) * 1000,
    now,
    genuine(options = {}) {
      const body = bodyOf(options)
      const timestamp = options.timestamp ?? boxTimestamp(now())
      const { primary, secondary } = options.keys ?? keys
      return {
        method: 'POST',
        headers: [
          ['Content-Type', 'application/json; charset=utf-8'],
          ['User-Agent', 'Box-WH-Client/0.1'],
          [DELIVERY_ID, randomUUID()],
          [TIMESTAMP, timestamp],
          [VERSION, SIGNATURE_VERSION],
          [ALGORITHM, SIGNATURE_ALGORITHM],
          ...(primary === undefined ? [] : [[SIGNATURES.primary, sign(body, timestamp, primary)] as const]),
          ...(secondary === undefined
            ? []
            : [[SIGNATURES.secondary, sign(body, timestamp, secondary)] as const]),
        ],
        body,
      }
    },
    need(which) {
      const key = keys[which]
      if (key === undefined) throw new Error(`This requirement needs the ${which} key.`)
      return key
    },
  }
}

function bodyOf({ body, trigger = 'FILE.DOWNLOADED', overrides = {} }: GenuineOptions): Uint8Array {
  if (body !== undefined) return Buffer.from(body)
  return wireBody(samplePayload(trigger, { id: randomUUID(), ...overrides }))
}

/** A time as Box writes it: to the second, with an offset. */
export function boxTimestamp(at: number, offsetMinutes = -420): string {
  const local = new Date(at + offsetMinutes * 60_000).toISOString().slice(0, 19)
  const [sign, minutes] = [offsetMinutes < 0 ? '-' : '+', Math.abs(offsetMinutes)]
  const two = (number: number): string => String(Math.trunc(number)).padStart(2, '0')
  return `${local}${sign}${two(minutes / 60)}:${two(minutes % 60)}`
}

/** The same request with headers changed: each named one replaced where it stands, or left out. */
export function withHeaders(
  delivery: Delivery,
  changes: Readonly<Record<string, string | undefined>>,
): Delivery {
  const upper = new Map(Object.entries(changes).map(([name, value]) => [name.toUpperCase(), value]))
  const headers = delivery.headers.flatMap(([name, value]): Header[] => {
    if (!upper.has(name.toUpperCase())) return [[name, value]]
    const changed = upper.get(name.toUpperCase())
    return changed === undefined ? [] : [[name, changed]]
  })
  return { ...delivery, headers }
}

/** The same request with every signature worked out in another way. */
export function signedOtherwise(
  delivery: Delivery,
  kit: Kit,
  signature: (key: string, body: Uint8Array, timestamp: string) => string,
): Delivery {
  const timestamp = headerOf(delivery, TIMESTAMP)
  const other = (key: string) => signature(key, delivery.body, timestamp)
  return withHeaders(delivery, {
    [SIGNATURES.primary]: other(kit.primary),
    [SIGNATURES.secondary]: kit.secondary === undefined ? undefined : other(kit.secondary),
  })
}

/** The same request with the text of every signature changed. */
export const mapSignatures = (delivery: Delivery, change: (signature: string) => string): Delivery =>
  withHeaders(delivery, {
    [SIGNATURES.primary]: change(headerOf(delivery, SIGNATURES.primary)),
    [SIGNATURES.secondary]: change(headerOf(delivery, SIGNATURES.secondary) || 'x'),
  })

export const headerOf = ({ headers }: Delivery, name: string): string =>
  headers.find(([one]) => one.toUpperCase() === name.toUpperCase())?.[1] ?? ''

/** An HMAC over pieces, base64 as Box writes it. */
export function hmac(algorithm: string, key: string, ...pieces: readonly (Uint8Array | string)[]): string {
  const made = createHmac(algorithm, key)
  for (const piece of pieces) made.update(piece)
  return made.digest('base64')
}
