import { CommandError } from '../terminal/command-error.ts'
import type { Assumptions } from './assumptions.ts'
import { HOURS_PER_MONTH } from './assumptions.ts'
import type { Amount, Usage } from './quantities.ts'
import type { StageMetrics } from './stage-metrics.ts'

/** A stage has done nothing that could be scaled; the message says what to do. */
export class StageUnmeasured extends CommandError {
  override readonly name = 'StageUnmeasured'
}

const GIB = 2 ** 30

/**
 * What a month's events take of everything that AWS bills, as a deployed stage has taken it for those it had.
 * @param metrics of so many days
 * @param usual what a month takes by the trace: what AWS has no metrics for is taken from it
 * @throws StageUnmeasured where the stage had no events
 */
export function usageOfStage(
  metrics: StageMetrics,
  events: number,
  usual: Usage,
  assumed: Pick<Assumptions, 'logCompression'>,
): Usage {
  const { accepted, days } = metrics
  if (accepted === 0)
    throw new StageUnmeasured(
      `Stage ${metrics.stage} has accepted no delivery in the last ${days} days, so there is nothing to scale. Take more days with --days, or leave --from-stage out: then the trace in the repository tells what an event takes.`,
    )
  const scale = events / accepted
  const months = (days * 24) / HOURS_PER_MONTH
  const forEvents = (amount: number): Amount => ({ fixed: 0, forEvents: amount * scale })
  const logStoredShare = usual.logGb.forEvents === 0 ? 0 : usual.logStoredGb.forEvents / usual.logGb.forEvents
  const eventLogGb = metrics.logBytes.events / GIB
  const reconcileLogGb = metrics.logBytes.reconcile / GIB / months
  return {
    ...usual,
    httpRequests: forEvents(metrics.httpRequests),
    ingestInvocations: forEvents(metrics.ingest.invocations),
    ingestGbSeconds: forEvents(metrics.ingest.gbSeconds),
    // A batch takes one request to receive and one to delete; each message was sent by one.
    queueRequests: forEvents(metrics.sent + 2 * metrics.automate.invocations),
    idlePolls: { fixed: metrics.emptyReceives / months, forEvents: 0 },
    automateInvocations: forEvents(metrics.automate.invocations),
    automateGbSeconds: forEvents(metrics.automate.gbSeconds),
    writeUnits: forEvents(metrics.writeUnits),
    readUnits: forEvents(metrics.readUnits),
    logGb: { fixed: reconcileLogGb, forEvents: eventLogGb * scale },
    logStoredGb: {
      fixed: reconcileLogGb * assumed.logCompression,
      forEvents: eventLogGb * scale * logStoredShare,
    },
    reconcileInvocations: { fixed: metrics.reconcile.invocations / months, forEvents: 0 },
    reconcileGbSeconds: { fixed: metrics.reconcile.gbSeconds / months, forEvents: 0 },
  }
}
