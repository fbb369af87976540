import { type Assumptions, HOURS_PER_MONTH } from './assumptions.ts'
import { cellOf } from './cell.ts'
import type { Amount, Usage } from './quantities.ts'
import type { EventTrace, Logged, Trace } from './trace.ts'

/** What is to happen in a month, and how the stage is set up. */
export type Workload = {
  /** Events that Box tells of. */
  readonly events: number
  /** How many automations run at each. */
  readonly automations: number
  /** How large the deliveries' bodies are, in bytes. */
  readonly bodyBytes: number
  /** The part of the events that is logged though nothing is wrong, from 0 to 1. */
  readonly logSampleRate: number
  readonly memoryMb: { readonly ingest: number; readonly automate: number; readonly reconcile: number }
}

const GIB = 2 ** 30

/** How many of so many invocations start an instance; its start is billed, and it reads its secret. */
const startsOf = (invocations: number, { keptSeconds, coldShare }: Assumptions): number =>
  Math.min(invocations, SECONDS_PER_MONTH / keptSeconds + coldShare * invocations)
const API_CHUNK = 512 * 1024
const SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600

/**
 * What a month's events take of everything that AWS bills: requests, units and log lines as the trace has measured them,
 * times as they are assumed.
 * @throws RangeError where the trace has nothing like it
 */
export function usageOf(workload: Workload, trace: Trace, assumed: Assumptions): Usage {
  const { events, memoryMb } = workload
  const { stack, extras } = trace
  const cell = cellOf(trace.events, workload.automations, workload.bodyBytes)
  const duplicates = events * assumed.duplicateShare
  const retries = events * assumed.retryShare
  const deliveries = events + duplicates
  const batches = (events + duplicates + retries) / assumed.batch
  // Receiving and deleting take a request for each batch, and one more for each further 64 KB received.
  const ingestStarts = startsOf(deliveries, assumed)
  const automateStarts = startsOf(batches, assumed)
  const receives = Math.max(1, Math.ceil((assumed.batch * cell.bytes.message) / 65_536))
  const queueRequests =
    deliveries * cell.ingest.sqsUnits +
    events * cell.automate.sqsUnits +
    retries * extras.retry.automate.sqsUnits +
    batches * (receives + 1)
  const forEvents = (amount: number): Amount => ({ fixed: 0, forEvents: amount })
  const fixed = (amount: number): Amount => ({ fixed: amount, forEvents: 0 })
  const invocationMs = assumed.automateMs * Math.ceil(assumed.batch / stack.automateEvents)
  const logs = logBytes(workload, trace, assumed, cell, { deliveries, duplicates, retries, batches })
  const reconcileLog = stack.reconciliationsPerMonth * withPlatform(extras.reconcile, 1, assumed)
  const storedGb = (bytes: number) =>
    (bytes / GIB) * assumed.logCompression * ((stack.logRetentionDays * 24) / HOURS_PER_MONTH)
  const tableBytes = cell.bytes.item + cell.bytes.index + assumed.itemOverheadBytes * (1 + stack.indexes)
  const recordsGb = ((events * tableBytes) / GIB) * ((stack.keepDays * 24) / HOURS_PER_MONTH)
  return {
    httpRequests: forEvents(deliveries * Math.ceil(Math.max(1, workload.bodyBytes) / API_CHUNK)),
    ingestInvocations: forEvents(deliveries),
    ingestGbSeconds: forEvents(
      gbSeconds(deliveries, assumed.ingestMs, memoryMb.ingest) +
        gbSeconds(ingestStarts, assumed.coldMs.ingest, memoryMb.ingest),
    ),
    queueRequests: forEvents(queueRequests),
    idlePolls: fixed((stack.polledQueues * assumed.pollers * SECONDS_PER_MONTH) / assumed.pollSeconds),
    automateInvocations: forEvents(batches),
    automateGbSeconds: forEvents(
      gbSeconds(batches, invocationMs, memoryMb.automate) +
        gbSeconds(automateStarts, assumed.coldMs.automate, memoryMb.automate),
    ),
    writeUnits: {
      fixed: stack.reconciliationsPerMonth * extras.reconcile.writeUnits,
      forEvents:
        events * cell.automate.writeUnits +
        duplicates * extras.duplicate.automate.writeUnits +
        retries * extras.retry.automate.writeUnits,
    },
    readUnits: {
      fixed: stack.reconciliationsPerMonth * extras.reconcile.readUnits,
      forEvents:
        events * cell.automate.readUnits +
        duplicates * extras.duplicate.automate.readUnits +
        retries * extras.retry.automate.readUnits,
    },
    tableGb: forEvents(recordsGb),
    // Indexes are not backed up; they are built anew.
    backupGb: forEvents((recordsGb * (cell.bytes.item + assumed.itemOverheadBytes)) / tableBytes),
    logGb: { fixed: reconcileLog / GIB, forEvents: logs / GIB },
    logStoredGb: { fixed: storedGb(reconcileLog), forEvents: storedGb(logs) },
    reconcileInvocations: fixed(stack.reconciliationsPerMonth),
    reconcileGbSeconds: fixed(
      gbSeconds(
        stack.reconciliationsPerMonth,
        // An hour is long enough for Lambda to have let the instance go.
        assumed.reconcileMs + assumed.coldMs.automate,
        memoryMb.reconcile,
      ),
    ),
    secrets: fixed(stack.secrets),
    secretReads: {
      fixed: stack.reconciliationsPerMonth,
      // ingest reads the keys anew every five minutes while there is something to verify, no more than it starts.
      forEvents: ingestStarts + automateStarts,
    },
    alarms: fixed(stack.alarms),
    metrics: fixed(stack.metrics.length),
    dashboards: fixed(stack.dashboards),
  }
}

const gbSeconds = (invocations: number, ms: number, memoryMb: number): number =>
  invocations * (Math.ceil(ms) / 1000) * (memoryMb / 1024)

type Counts = {
  readonly deliveries: number
  readonly duplicates: number
  readonly retries: number
  readonly batches: number
}

/** What a month's events write to the logs, in bytes as CloudWatch counts them. */
function logBytes(
  { events, logSampleRate }: Workload,
  { stack, extras }: Trace,
  assumed: Assumptions,
  cell: EventTrace,
  { deliveries, duplicates, retries, batches }: Counts,
): number {
  const counted = ({ logLines, logBytes: bytes }: Logged) => bytes + logLines * assumed.logEventBytes
  const sampled = (full: Logged, quiet: Logged) =>
    logSampleRate * counted(full) + (1 - logSampleRate) * counted(quiet)
  const platform = assumed.platformLog.bytes + assumed.platformLog.lines * assumed.logEventBytes
  const access = stack.accessLogBytes + assumed.logEventBytes
  return (
    deliveries * (access + platform + sampled(cell.ingest, cell.quiet.ingest)) +
    events * sampled(cell.automate, cell.quiet.automate) +
    // What comes again is always logged by automate.
    duplicates * counted(extras.duplicate.automate) +
    retries * counted(extras.retry.automate) +
    batches * platform
  )
}

const withPlatform = (logged: Logged, invocations: number, assumed: Assumptions): number =>
  logged.logBytes +
  logged.logLines * assumed.logEventBytes +
  invocations * (assumed.platformLog.bytes + assumed.platformLog.lines * assumed.logEventBytes)
