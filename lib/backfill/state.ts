import { gunzipSync, gzipSync } from 'node:zlib'
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import { parseObject } from '../base/json.ts'
import { type BackfillSpan, type Progress, parseProgress, parseSpan } from './progress.ts'

/** The back-fill of a stage that is under way, or the last one that was. */
export type BackfillState = {
  /** When it was begun, ISO 8601. */
  readonly begunAt: string
  readonly span: BackfillSpan
  readonly progress: Progress
}

/** Where a stage remembers how far its back-fill has come, so that anybody can go on with it. */
export type BackfillStates = {
  /** One that can't be read is as none, but has a version all the same; 0 where there is nothing at all. */
  read(): Promise<{ readonly version: number; readonly state: BackfillState | undefined }>
  /**
   * Replaces what is remembered.
   * @param seen the version on whose strength it is replaced
   * @returns false where somebody else has written since
   */
  write(state: BackfillState, seen: number): Promise<boolean>
}

/** The key of the state in the ledger's table. No event can have it, for no event's id has a space; see idText(). */
export const BACKFILL_STATE_KEY = 'back-fill of this stage'

/** How much is unpacked at most, in bytes; what is kept has far less. */
const PROGRESS_BYTES_MAX = 4_000_000

/** The state as one item beside the events of the ledger's table. */
export function createBackfillStates(options: {
  readonly dynamodb: Pick<DynamoDBClient, 'send'>
  readonly table: string
}): BackfillStates {
  const { dynamodb, table } = options
  return {
    async read() {
      const Key = marshall({ eventId: BACKFILL_STATE_KEY })
      const { Item } = await dynamodb.send(
        new GetItemCommand({ TableName: table, Key, ConsistentRead: true }),
      )
      const item = Item ? unmarshall(Item) : {}
      return { version: typeof item.version === 'number' ? item.version : 0, state: readState(item) }
    },
    async write({ begunAt, span, progress }, seen) {
      const Item = marshall({
        eventId: BACKFILL_STATE_KEY,
        version: seen + 1,
        begunAt,
        span,
        progress: gzipSync(JSON.stringify(progress)),
      })
      try {
        await dynamodb.send(
          new PutItemCommand({
            TableName: table,
            Item,
            ConditionExpression: 'attribute_not_exists(#version) OR #version = :seen',
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: marshall({ ':seen': seen }),
          }),
        )
        return true
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false
        throw error
      }
    },
  }
}

function readState({ begunAt, span, progress }: Record<string, unknown>): BackfillState | undefined {
  const read = parseSpan(span)
  const come = progress instanceof Uint8Array ? parseProgress(unpacked(progress)) : undefined
  if (!read || !come || typeof begunAt !== 'string') return undefined
  return { begunAt, span: read, progress: come }
}

function unpacked(packed: Uint8Array): unknown {
  try {
    return parseObject(gunzipSync(packed, { maxOutputLength: PROGRESS_BYTES_MAX }).toString())
  } catch {
    return undefined
  }
}
