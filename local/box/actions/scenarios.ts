import type { Clock } from '../../../lib/base/clock.ts'
import type { SignatureKeys } from '../../../lib/ingest/signature.ts'
import type { Attempt, Bend, Deliveries, Outgoing } from '../events/delivery.ts'

/** Keys that are nobody's. */
export const FORGED: SignatureKeys = { primary: 'forged', secondary: 'forged' }

/** A key that Box has by now and nobody else. */
const RESET = 'reset'

/** How a delivery comes out of the ordinary, given Box's keys and the body as it should be. */
type Bending = (keys: SignatureKeys, body: Uint8Array) => Bend

/** Everything that may be wrong with a single delivery, by a name for it. */
export const BENDS = {
  none: () => ({}),
  'primary key only': () => ({ headers: { 'box-signature-secondary': undefined } }),
  'secondary key only': () => ({ headers: { 'box-signature-primary': undefined } }),
  'keys swapped': ({ primary, secondary }) => ({ keys: { primary: secondary, secondary: primary } }),
  'primary key reset on Box': ({ secondary }) => ({ keys: { primary: RESET, secondary } }),
  'secondary key reset on Box': ({ primary }) => ({ keys: { primary, secondary: RESET } }),
  'both keys reset on Box': () => ({ keys: { primary: RESET, secondary: RESET } }),
  forged: () => ({ keys: FORGED }),
  'no signature': () => ({
    headers: { 'box-signature-primary': undefined, 'box-signature-secondary': undefined },
  }),
  'no delivery id': () => ({ headers: { 'box-delivery-id': undefined } }),
  'clock half a minute ahead': () => ({ ageSeconds: -30 }),
  'clock two minutes ahead': () => ({ ageSeconds: -120 }),
  'eleven minutes old': () => ({ ageSeconds: 660 }),
  'body cut short': (_, body) => ({ body: body.subarray(0, Math.floor(body.length / 2)) }),
  'body written anew': (_, body) => ({ body: rewritten(body) }),
} as const satisfies Readonly<Record<string, Bending>>

export type BendName = keyof typeof BENDS

export const isBendName = (name: string): name is BendName => Object.hasOwn(BENDS, name)

/** What a proxy makes of a body that it reads and writes again; a body that is no JSON gets a line end. */
function rewritten(body: Uint8Array): Uint8Array {
  const text = Buffer.from(body).toString()
  try {
    return Buffer.from(JSON.stringify(JSON.parse(text), null, 1))
  } catch {
    return Buffer.from(`${text}\n`)
  }
}

/** Sends one and the same request twice at the same time, delivery id and all. */
export function sendTwice(
  deliveries: Deliveries,
  outgoing: Outgoing,
  deliveryId: string,
): Promise<[Attempt, Attempt]> {
  const once = () => deliveries.send(outgoing, { deliveryId, retry: false })
  return Promise.all([once(), once()])
}

export type Burst = {
  /** The first attempts of all that was sent. */
  readonly attempts: Promise<readonly Attempt[]>
  /** Sends no more; what is under way ends. */
  stop(): void
}

/** Lets many events happen in a short time. */
export function burst(options: {
  readonly clock: Clock
  readonly count: number
  /** As fast as answers come where it is infinite. */
  readonly perSecond: number
  /** How many may be under way at a time; what is too much waits. */
  readonly underWayMax?: number
  /** Makes one event and gives back its first attempt. */
  readonly fire: () => Promise<Attempt>
}): Burst {
  const { clock, count, perSecond, underWayMax = Number.POSITIVE_INFINITY, fire } = options
  const begunAt = clock.now()
  const attempts: Attempt[] = []
  const all = Promise.withResolvers<readonly Attempt[]>()
  let [sent, underWay, wanted] = [0, 0, count]
  let cancel = (): void => {}
  const dueAt = (nth: number): number => begunAt + (nth * 1000) / perSecond
  const finish = (): void => {
    if (underWay === 0 && sent >= wanted) all.resolve(attempts)
  }
  const step = (): void => {
    while (sent < wanted && underWay < underWayMax && dueAt(sent) <= clock.now()) {
      sent += 1
      underWay += 1
      fire().then(
        attempt => {
          attempts.push(attempt)
          underWay -= 1
          step()
        },
        (error: unknown) => all.reject(error),
      )
    }
    cancel()
    if (sent < wanted && underWay < underWayMax)
      cancel = clock.after(Math.max(0, dueAt(sent) - clock.now()), step)
    finish()
  }
  step()
  return {
    attempts: all.promise,
    stop() {
      wanted = sent
      cancel()
      finish()
    },
  }
}
