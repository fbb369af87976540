import { setTimeout as delay } from 'node:timers/promises'
import {
  type AttributeValue,
  BatchGetItemCommand,
  type BatchGetItemCommandOutput,
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import type { Target } from '../event/event.ts'
import { parseTarget } from '../event/target.ts'
import { dayOf } from './ledger.ts'
import { type EventRecord, RECORD_FIELDS, readRecord } from './record.ts'

/** When an event was received, in milliseconds since the epoch, both included. */
export type Span = { readonly from: number; readonly to: number }

/** What the ledger has of many events. Reads go through its indexes, so they cost what they find, not what there is. */
export type History = {
  /** The events received in a span, the newest first. */
  received(span: Span): AsyncIterable<EventRecord>
  /**
   * The events about one item that were received in a span, the newest first.
   * @param source such as `file:123`; see sourceKey()
   */
  ofItem(source: string, span: Span): AsyncIterable<EventRecord>
  /** The targets of those of many events that have a record by now; undefined where they are not known. */
  targetsOf(ids: readonly string[]): Promise<ReadonlyMap<string, readonly Target[] | undefined>>
}

/** How many records DynamoDB gives at a time. */
const BATCH = 100

const DAY_MS = 86_400_000

/**
 * Reads the ledger's past. An event is in the indexes a moment after its first claim, and a record that expires between the
 * index and itself is passed over.
 * @param payloads false leaves the bodies out, which are most of what is read
 */
export function createHistory(options: {
  readonly dynamodb: Pick<DynamoDBClient, 'send'>
  readonly table: string
  readonly payloads?: boolean
}): History {
  const { dynamodb, table, payloads = false } = options

  async function* idsIn(index: Index, key: string, { from, to }: Span): AsyncGenerator<readonly string[]> {
    let ExclusiveStartKey: QueryCommandOutput['LastEvaluatedKey']
    do {
      const page: QueryCommandOutput = await dynamodb.send(
        new QueryCommand({
          TableName: table,
          IndexName: index.name,
          KeyConditionExpression: '#key = :key AND receivedAt BETWEEN :from AND :to',
          ExpressionAttributeNames: { '#key': index.key },
          ExpressionAttributeValues: marshall({ ':key': key, ':from': iso(from), ':to': iso(to) }),
          ScanIndexForward: false,
          Limit: BATCH,
          ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
        }),
      )
      yield (page.Items ?? []).flatMap(({ eventId }) => (eventId?.S ? [eventId.S] : []))
      ExclusiveStartKey = page.LastEvaluatedKey
    } while (ExclusiveStartKey)
  }

  const itemsOf = async (ids: readonly string[], reading: object): Promise<readonly Item[]> => {
    const found: Item[] = []
    let keys: BatchGetItemCommandOutput['UnprocessedKeys'] =
      ids.length === 0 ? {} : { [table]: { Keys: ids.map(eventId => marshall({ eventId })), ...reading } }
    for (let round = 0; Object.keys(keys ?? {}).length > 0; round += 1) {
      // What DynamoDB left out it had no capacity for; asked again at once, it would leave it out again.
      if (round > 0) await delay(Math.min(50 * 2 ** round, 2000))
      const answer: BatchGetItemCommandOutput = await dynamodb.send(
        new BatchGetItemCommand({ RequestItems: keys }),
      )
      found.push(...(answer.Responses?.[table] ?? []))
      keys = answer.UnprocessedKeys
    }
    return found
  }

  const records = async (ids: readonly string[]): Promise<readonly EventRecord[]> => {
    const items = await itemsOf(ids, payloads ? {} : WITHOUT_PAYLOAD)
    const found = new Map(items.map(readRecord).map(record => [record.eventId, record]))
    return ids.flatMap(id => found.get(id) ?? [])
  }

  async function* read(index: Index, key: string, span: Span): AsyncGenerator<EventRecord> {
    for await (const ids of idsIn(index, key, span)) yield* await records(ids)
  }

  return {
    async *received(span) {
      for (const day of daysOf(span)) yield* read(BY_DAY, day, span)
    },
    ofItem: (source, span) => read(BY_SOURCE, source, span),
    async targetsOf(given) {
      const ids = [...new Set(given)]
      const found = new Map<string, readonly Target[] | undefined>()
      for (let index = 0; index < ids.length; index += BATCH)
        for (const { eventId, targets } of await itemsOf(ids.slice(index, index + BATCH), ONLY_TARGETS))
          if (eventId?.S)
            found.set(
              eventId.S,
              targets?.L?.flatMap(({ S = '' }) => parseTarget(S) ?? []),
            )
      return found
    },
  }
}

type Item = Record<string, AttributeValue>

const ONLY_TARGETS = { ProjectionExpression: 'eventId, targets', ConsistentRead: true }

type Index = { readonly name: string; readonly key: string }

const BY_DAY: Index = { name: 'byDay', key: 'receivedOn' }
const BY_SOURCE: Index = { name: 'bySource', key: 'source' }

const iso = (time: number): string => new Date(time).toISOString()

/** The UTC days that a span touches, the last first. */
function daysOf({ from, to }: Span): readonly string[] {
  const count = Math.floor(to / DAY_MS) - Math.floor(from / DAY_MS) + 1
  return Array.from({ length: Math.max(count, 0) }, (_, ago) => dayOf(iso(to - ago * DAY_MS)))
}

const FIELDS = RECORD_FIELDS.filter(field => field !== 'payload')

const WITHOUT_PAYLOAD = {
  ProjectionExpression: FIELDS.map(field => `#${field}`).join(', '),
  ExpressionAttributeNames: Object.fromEntries(FIELDS.map(field => [`#${field}`, field])),
}
