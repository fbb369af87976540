import type { Clock } from '../base/clock.ts'
import { AutomationError } from '../base/errors.ts'
import { freezeDeep } from '../base/json.ts'
import { containRejections } from '../base/stray-rejections.ts'
import type { BoxEvent } from '../event/event.ts'
import { errorKind, type Log } from '../log/log.ts'
import type { BoundAutomation } from './automation.ts'

/** What an automation's `when` says of an event. */
export type FilterAnswer =
  | { readonly kind: 'run' }
  | { readonly kind: 'skip'; readonly reason: string }
  /** It threw, took too long, or answered neither; the run then fails with it. */
  | { readonly kind: 'failed'; readonly thrown: unknown }

const RUN: FilterAnswer = { kind: 'run' }

/** How long a filter may take, in milliseconds. */
export const FILTER_MS_MAX = 5000

/** The longest reason that is kept, in characters. */
const REASON_LENGTH_MAX = 500

/**
 * Asks an automation's own filter whether an event is to be run. Never throws.
 * @param deadline when the answer must be there, in milliseconds since the epoch
 */
export async function askFilter(
  { automation, settings }: BoundAutomation,
  event: BoxEvent,
  { clock, log, deadline }: { readonly clock: Clock; readonly log: Log; readonly deadline: number },
): Promise<FilterAnswer> {
  const { when, name } = automation
  if (!when) return RUN
  const limitMs = Math.min(FILTER_MS_MAX, deadline - clock.now())
  const { result } = containRejections(
    async () => answerOf(await when(freezeDeep(event), settings)),
    reason => log.warn('rejection_unhandled', { automation: name, error: errorKind(reason) }),
  )
  const answer = result.catch((thrown: unknown): FilterAnswer => ({ kind: 'failed', thrown }))
  let cancel = (): void => {}
  const late = new Promise<FilterAnswer>(resolve => {
    cancel = clock.after(limitMs, () => resolve({ kind: 'failed', thrown: tooLate(limitMs) }))
  })
  return Promise.race([answer, late]).finally(() => cancel())
}

function answerOf(answer: unknown): FilterAnswer {
  if (answer === true) return RUN
  if (answer === false) return { kind: 'skip', reason: 'The automation’s when() answered false.' }
  const reason: unknown = answer instanceof Object ? Reflect.get(answer, 'skip') : undefined
  if (typeof reason === 'string') return { kind: 'skip', reason: reason.slice(0, REASON_LENGTH_MAX) }
  throw new TypeError(
    `when() answered ${answer instanceof Object ? 'an object' : String(answer)}. It must answer true, false or skip('the reason').`,
  )
}

const tooLate = (ms: number): AutomationError =>
  new AutomationError({
    class: 'transient',
    code: 'run_timed_out',
    message: `when() had not answered after ${Math.round(ms / 1000)} s. Ask in run() for what takes time.`,
  })
