/** What can't be measured on a machine of one's own. Each has a reason or a source, and most an option. */
export type Assumptions = {
  /**
   * Milliseconds that ingest takes for a delivery: verifying takes microseconds, and the one call to SQS most of the time.
   * `--from-stage` has the real ones.
   */
  readonly ingestMs: number
  /**
   * Milliseconds that automate takes for an event: automations of one event run at the same time, and a call to Box takes a
   * few hundred.
   */
  readonly automateMs: number
  /** Milliseconds that reconcile takes to ask Box which webhooks there are. */
  readonly reconcileMs: number
  /**
   * How long Lambda keeps an instance that has nothing to do, in seconds. AWS does not say; five minutes is short, so that
   * rather too many starts are counted.
   */
  readonly keptSeconds: number
  /** The part of the invocations that start an instance though others are there, since these are busy, from 0 to 1. */
  readonly coldShare: number
  /** Milliseconds that the start of an instance takes. */
  readonly coldMs: { readonly ingest: number; readonly automate: number }
  /** Events in a batch; Box's come one by one unless many come at once. */
  readonly batch: number
  /** The part of the deliveries that come again, from 0 to 1. */
  readonly duplicateShare: number
  /** The part of the events that take one more attempt, from 0 to 1. */
  readonly retryShare: number
  /**
   * Requests that Lambda keeps waiting at a queue while it is empty. AWS documents that its pollers start with five; that
   * each waits 20 seconds for a message was seen in the metrics of idle queues.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
   * @see https://github.com/getlift/lift/issues/132
   */
  readonly pollers: number
  readonly pollSeconds: number
  /** How much of the stored log is left after compression, as AWS counts in its example of prices. */
  readonly logCompression: number
  /** What CloudWatch Logs adds to each event, in bytes. */
  readonly logEventBytes: number
  /** What Lambda writes itself at each invocation, in lines and bytes: START, END and REPORT. */
  readonly platformLog: { readonly lines: number; readonly bytes: number }
  /** What DynamoDB adds to each item, and to each item's entry in an index, when it counts what it stores, in bytes. */
  readonly itemOverheadBytes: number
}

export const DEFAULTS: Assumptions = {
  ingestMs: 20,
  automateMs: 300,
  reconcileMs: 2000,
  keptSeconds: 300,
  coldShare: 0.01,
  coldMs: { ingest: 300, automate: 1000 },
  batch: 1,
  duplicateShare: 0.01,
  retryShare: 0.01,
  pollers: 5,
  pollSeconds: 20,
  logCompression: 0.15,
  logEventBytes: 26,
  platformLog: { lines: 3, bytes: 290 },
  itemOverheadBytes: 100,
}

/** AWS counts a month as 730 hours. */
export const HOURS_PER_MONTH = 730
