import type { FailureCode } from '../base/errors.ts'
import { readBody } from '../event/event-body.ts'
import { RecordFull } from '../ledger/ledger.ts'
import { errorKind, type Log } from '../log/log.ts'
import { LEASE_MARGIN_MS } from './claim.ts'
import { newEvent } from './claim-event.ts'
import {
  type DispatchDeps,
  type DispatchInput,
  type Disposition,
  FINISHED,
  later,
  secondsUntil,
  withoutReplay,
} from './disposition.ts'

/** In characters. A reason can list very many targets. */
const REASON_LENGTH_MAX = 1000

/**
 * Dead-letters an event that no automation can be run for: sends, then marks. Repeatable, as `Failure` in message.ts says.
 * @throws what the ledger or the dead-letter queue throws; the message must then come back
 */
export async function deadLetterEvent(
  deps: DispatchDeps,
  input: DispatchInput,
  log: Log,
  error: { readonly code: FailureCode; readonly message: string },
): Promise<Disposition> {
  const { ledger, clock } = deps
  const { message } = input.decoded
  const record = await ledger.read(message.eventId)
  // A dead letter can be redriven before its marking: then it is ahead of the record, and dropping it would lose the event.
  const redriven = Math.max(
    message.failure?.automations.length === 0 ? message.failure.redrives : -1,
    message.replay?.redrives ?? -1,
  )
  const again = record?.status === 'dead' && redriven >= record.redrives
  if (record && record.status !== 'open' && !again) {
    log.info('event_duplicate', { trigger: message.trigger }, { EventsDeduplicated: 1 })
    return FINISHED
  }
  if (record && clock.now() < record.leaseUntil + LEASE_MARGIN_MS && record.leaseUntil > 0) {
    const delaySeconds = secondsUntil(record.leaseUntil + LEASE_MARGIN_MS, clock)
    log.info('event_waiting', { reason: 'leased', delaySeconds })
    return later(delaySeconds)
  }
  const redrives = again ? redriven + 1 : (record?.redrives ?? 0)
  const at = new Date(clock.now()).toISOString()
  const failure = { ...error, at, redrives, automations: [] }
  await deps.deadLetters.send({ ...withoutReplay(message), failure })
  const lease = { token: deps.newToken(), until: 0 }
  const reason = { code: error.code, message: error.message.slice(0, REASON_LENGTH_MAX) }
  const claim = { lease, status: 'dead', redrives, runs: {}, error: reason } as const
  // Runs that a readable message of the same event has begun go on with that message.
  const hasRuns = record?.status === 'open' && Object.keys(record.runs).length > 0
  try {
    if (record && !hasRuns) await ledger.claim(record, claim)
    if (!record) {
      // Whoever asks why nothing happened to an item finds the event by it, even where the event can't be read.
      const { payload = {} } = readBody(message.body)
      await ledger.open(newEvent(message, { payload }, 0), claim)
    }
  } catch (thrown) {
    if (!(thrown instanceof RecordFull)) throw thrown
    // The dead letter has it all; to send it again would not make the ledger take it.
    log.error('ledger_write_failed', { error: errorKind(thrown), message: thrown.message })
  }
  log.error('event_dead_lettered', { code: error.code, message: error.message })
  return FINISHED
}
