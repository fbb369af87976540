import { type Answer, ingest, WEBHOOK_PATH } from '../../lib/ingest/ingest.ts'
import type { SignatureKeys } from '../../lib/ingest/signature.ts'
import { createLog } from '../../lib/log/log.ts'
import { createSender } from '../../lib/queue/message-sender.ts'
import { type Diagnosis, diagnose, trimKeys } from './diagnose.ts'
import type { Capture } from './read-captures.ts'

export type JudgeOptions = {
  /** When the delivery was received, in milliseconds since the epoch. */
  readonly at?: number | undefined
  /** The time, used where neither `at` nor the capture has one. */
  readonly now: number
  /** How old a delivery may be, in seconds. */
  readonly ageMax: number
  /** How far ahead of the clock a delivery may be, in seconds. */
  readonly skewMax: number
}

/** When a delivery is judged, in milliseconds since the epoch, and where that is from. */
export type Moment = { readonly at: number; readonly from: 'option' | 'capture' | 'now' }

export type Judgement = {
  readonly capture: Capture
  readonly moment: Moment
  /** What ingest answers. */
  readonly answer: Answer
  readonly diagnosis: Diagnosis
}

/**
 * Judges one captured delivery.
 * @param keys as they were given, white space around them included
 */
export async function judgeCapture(
  capture: Capture,
  keys: SignatureKeys,
  options: JudgeOptions,
): Promise<Judgement> {
  const { method = 'POST', query, headers, body } = capture
  const moment = chooseMoment(capture, options)
  const bounds = { ageMaxSeconds: options.ageMax, skewMaxSeconds: options.skewMax }
  const now = (): number => moment.at
  const answer = await ingest(
    { method, path: WEBHOOK_PATH, query, headers, body },
    {
      ...bounds,
      now,
      keyring: { current: async () => trimKeys(keys), refreshed: async () => undefined },
      queue: createSender(async () => ({}), ''),
      log: createLog({ now, write: () => {} }),
    },
  )
  const diagnosis = diagnose({ headers, body, keys, at: moment.at, ...bounds })
  return { capture, moment, answer, diagnosis: moment.from === 'now' ? discountAge(diagnosis) : diagnosis }
}

function chooseMoment({ receivedAt }: Capture, { at, now }: JudgeOptions): Moment {
  if (at !== undefined) return { at, from: 'option' }
  return receivedAt === undefined ? { at: now, from: 'now' } : { at: receivedAt, from: 'capture' }
}

/** Makes an age as of today a warning where there is another cause: the delivery may have been in time when it came. */
function discountAge(diagnosis: Diagnosis): Diagnosis {
  const { clock = [], other = [] } = Object.groupBy(diagnosis.causes, ({ cause }) =>
    cause === 'clock' ? 'clock' : 'other',
  )
  const ages = clock.map(age => ({ ...age, fix: AGE_OF_NOW }))
  return other.length === 0
    ? { ...diagnosis, causes: ages }
    : { ...diagnosis, causes: other, warnings: [...diagnosis.warnings, ...ages] }
}

const AGE_OF_NOW =
  'The capture does not have the time when the delivery was received, so this is its age now. Give that time with --at TIME.'
