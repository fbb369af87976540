import { setTimeout as delay } from 'node:timers/promises'
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { FunctionName } from '../../../infra/build/bundle.ts'
import { AwsUnreachable, awsReason } from '../../../infra/stage/aws-reason.ts'
import { parseObject } from '../../../lib/base/json.ts'
import { createHistory, type History } from '../../../lib/ledger/history.ts'
import { createLedger } from '../../../lib/ledger/ledger.ts'
import type { QueueDepth } from '../../aws/aws.ts'
import { createJournal, type Journal, type RecordedEvent } from '../../journal.ts'
import type { InspectorSource } from '../inspector.ts'
import type { DeadLetterView } from '../protocol.ts'
import { createLogFeed, type LoggedLine } from './log-feed.ts'

export type StageSourceOptions = {
  readonly stage: string
  readonly region: string
  /** The stack's outputs: WebhookUrl, QueueUrl, DeadLetterQueueUrl, LedgerTable. */
  readonly outputs: Readonly<Record<string, string>>
  /** From when on, in milliseconds since the epoch. */
  readonly since: number
  readonly eventsMax?: number
  /** Told of each thing that can't be read, once, and of its being back. */
  readonly onProblem?: (problem: string) => void
}

/** What the page shows of a deployed stage. Nothing is ever written there, and no message received. */
export type StageSource = InspectorSource & { stop(): Promise<void> }

/** How often the logs are read, in milliseconds. */
const LOGS_MS = 3000

/** How often the ledger is asked for events that the logs don't tell of, in milliseconds. */
const LEDGER_MS = 300_000

const GROUPS: readonly FunctionName[] = ['ingest', 'automate']

/**
 * Reads a deployed stage from its logs, its ledger and its queues' attributes, for as long as it is not stopped. Whatever of it
 * can't be read is told in `about().problems`, and the rest goes on.
 * @throws AwsUnreachable where the stack lacks an output
 */
export function createStageSource(options: StageSourceOptions): StageSource {
  const { stage, region, outputs, since, onProblem = () => {} } = options
  const output = (name: string): string => {
    const value = outputs[name]
    if (value) return value
    throw new AwsUnreachable(
      `The stack boxhooks-${stage} has no output ${name}. Deploy the stage again: npm run deploy -- --stage ${stage}`,
    )
  }
  const [queueUrl, deadLetterUrl] = [output('QueueUrl'), output('DeadLetterQueueUrl')]
  const [table, webhookUrl] = [output('LedgerTable'), output('WebhookUrl')]
  const client = { region, maxAttempts: 2 }
  const sqs = new SQSClient({ ...client, useQueueUrlAsEndpoint: false })
  const dynamodb = new DynamoDBClient(client)
  const logs = new CloudWatchLogsClient(client)
  const { eventsMax } = options
  const ledger = createLedger({ dynamodb, table, now: Date.now })
  const journal = createJournal({
    ...(eventsMax === undefined ? {} : { eventsMax }),
    ledgerStatus: async eventId => (await record(eventId))?.status,
  })
  const history = createHistory({ dynamodb, table })
  const problems = new Map<string, string>()

  /** Reads something; where it can't be read, says so once, and once more when it can. */
  const reading = async <T>(right: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      const value = await read()
      if (problems.delete(right)) onProblem(`${right} works again.`)
      return value
    } catch (error) {
      const problem = awsReason(error, right, region)
      if (problems.get(right) !== problem) onProblem(problem)
      problems.set(right, problem)
      return undefined
    }
  }
  const record = (eventId: string) => reading(`dynamodb:GetItem on ${table}`, () => ledger.read(eventId))
  const stopping = new AbortController()
  const { signal } = stopping
  const every = async (ms: number, read: () => Promise<unknown>): Promise<void> => {
    while (!signal.aborted) {
      await read()
      await delay(ms, undefined, { signal }).catch(() => {})
    }
  }
  const feeds = GROUPS.map(fn => ({
    right: `logs:FilterLogEvents on /aws/lambda/boxhooks-${stage}-${fn}`,
    feed: createLogFeed({
      readPage: input => logs.send(new FilterLogEventsCommand(input)),
      group: `/aws/lambda/boxhooks-${stage}-${fn}`,
      since,
      onLine: line => takeLine(journal, fn, line),
    }),
  }))
  const work = [
    ...feeds.map(({ right, feed }) => every(LOGS_MS, () => reading(right, feed.read))),
    every(LEDGER_MS, () =>
      reading(`dynamodb:Query on ${table}/index/byDay and dynamodb:BatchGetItem on ${table}`, () =>
        readLedger(history, since, journal, signal),
      ),
    ),
  ]
  const depth = (url: string): Promise<QueueDepth | undefined> =>
    reading('sqs:GetQueueAttributes', () => depthOf(sqs, url))
  return {
    about: () => ({
      stage,
      region,
      readOnly: true,
      webhookUrl,
      automations: [],
      eventsMax: journal.eventsMax,
      problems: [...problems.values()],
    }),
    journal,
    record,
    async queues() {
      const [queue, deadLetters] = [await depth(queueUrl), await depth(deadLetterUrl)]
      return { queue: queue ?? EMPTY, deadLetters: deadLetters ?? EMPTY }
    },
    deadLetters: async () => deadIn(journal),
    async stop() {
      stopping.abort()
      await Promise.all(work)
      for (const one of [sqs, dynamodb, logs]) one.destroy()
    },
  }
}

const EMPTY: QueueDepth = { waiting: 0, inFlight: 0, delayed: 0 }

/** Puts a line of a deployed function into the journal. There, the log is all that tells of deliveries. */
export function takeLine(journal: Journal, fn: string, { id, at, text }: LoggedLine): void {
  const line = parseObject(text) ?? {}
  const { event, eventId, deliveryId, trigger, key, status, code } = line
  if (event === 'delivery_accepted' && typeof eventId === 'string') {
    const told = typeof key === 'string' ? `passed with the ${key} key` : 'passed'
    journal.attempt(
      {
        ...UNHEARD,
        eventId,
        trigger: typeof trigger === 'string' ? trigger : 'unknown',
        deliveryId: typeof deliveryId === 'string' && deliveryId ? deliveryId : id,
        sentAt: at,
        status: 202,
        answer: '{"code":"accepted"}',
      },
      [{ rule: 'verdict', ok: true, text: told }],
    )
  }
  if (event === 'delivery_refused' || event === 'delivery_failed') {
    const answer = JSON.stringify({ code: String(code) })
    // An event's id is told of what was verified and yet could not be taken.
    const known = typeof eventId === 'string' ? eventId : `refused ${id}`
    const refused = { ...UNHEARD, eventId: known, trigger: 'unknown', deliveryId: id, sentAt: at }
    journal.attempt({ ...refused, status: Number(status) || 0, answer }, [
      { rule: 'verdict', ok: false, text: `refused: ${String(code)}` },
    ])
  }
  journal.line(fn, text)
}

/** What no log tells of a delivery. */
const UNHEARD = {
  webhookId: '',
  attempt: 0,
  ms: 0,
  address: '',
  headers: {},
  body: Buffer.alloc(0),
  nextAttemptAt: undefined,
}

/** Takes note of the latest events that the ledger has of the time that is looked at, as many as the journal keeps. */
async function readLedger(
  history: Pick<History, 'received'>,
  since: number,
  journal: Journal,
  signal: AbortSignal,
): Promise<void> {
  const found: RecordedEvent[] = []
  for await (const record of history.received({ from: since, to: Date.now() })) {
    const { eventId, trigger, source: item, receivedAt, status } = record
    found.push({ eventId, trigger, item, receivedAt: Date.parse(receivedAt), status })
    if (found.length === journal.eventsMax || signal.aborted) break
  }
  // What the journal hears of first it forgets first.
  for (const event of found.reverse()) journal.recorded(event)
}

async function depthOf(sqs: SQSClient, QueueUrl: string): Promise<QueueDepth> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesNotVisible',
        'ApproximateNumberOfMessagesDelayed',
      ],
    }),
  )
  return {
    waiting: Number(Attributes.ApproximateNumberOfMessages ?? 0),
    inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
    delayed: Number(Attributes.ApproximateNumberOfMessagesDelayed ?? 0),
  }
}

/** What is dead by what was heard: receiving from the queue would hide its letters from whoever works on them. */
function deadIn({ events }: Journal): readonly DeadLetterView[] {
  const dead = events.filter(({ status }) => status === 'dead')
  return dead.slice(0, 100).map(({ eventId, trigger, lines, firstAt }) => {
    const line = lines.findLast(({ event }) => event === 'event_dead_lettered' || event === 'run_failed')
    const failed = lines.filter(({ event, automation }) => event === 'run_failed' && automation !== undefined)
    return {
      messageId: eventId,
      eventId,
      trigger,
      code: String(line?.code ?? ''),
      message: String(lines.findLast(({ event }) => event === 'run_failed')?.message ?? line?.message ?? ''),
      at: line?.time ?? new Date(firstAt).toISOString(),
      automations: [...new Set(failed.map(({ automation }) => String(automation)))],
    }
  })
}
