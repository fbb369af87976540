import { setTimeout as delay } from 'node:timers/promises'
import {
  BatchGetItemCommand,
  type BatchGetItemCommandOutput,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import type { Target } from '../event/event.ts'
import { parseTarget } from '../event/target.ts'

/** The records that the ledger has of many events: id → targets, undefined where these are unknown. */
export type KnownIds = (ids: readonly string[]) => Promise<ReadonlyMap<string, readonly Target[] | undefined>>

/** How many keys DynamoDB takes at a time. */
const BATCH = 100

/** Asks the ledger's table by the events' ids, for what has been written by now. */
export function createKnownIds(options: {
  readonly dynamodb: Pick<DynamoDBClient, 'send'>
  readonly table: string
}): KnownIds {
  const { dynamodb, table } = options
  const ask = async (
    ids: readonly string[],
    known: Map<string, readonly Target[] | undefined>,
  ): Promise<void> => {
    let keys: BatchGetItemCommandOutput['UnprocessedKeys'] = {
      [table]: {
        Keys: ids.map(eventId => marshall({ eventId })),
        ProjectionExpression: 'eventId, targets',
        ConsistentRead: true,
      },
    }
    for (let round = 0; Object.keys(keys ?? {}).length > 0; round += 1) {
      // What DynamoDB left out it had no capacity for; asked again at once, it would leave it out again.
      if (round > 0) await delay(Math.min(50 * 2 ** round, 2000))
      const answer: BatchGetItemCommandOutput = await dynamodb.send(
        new BatchGetItemCommand({ RequestItems: keys }),
      )
      for (const { eventId, targets } of answer.Responses?.[table] ?? [])
        if (eventId?.S)
          known.set(
            eventId.S,
            targets?.L?.flatMap(({ S = '' }) => parseTarget(S) ?? []),
          )
      keys = answer.UnprocessedKeys
    }
  }
  return async ids => {
    const known = new Map<string, readonly Target[] | undefined>()
    const all = [...new Set(ids)]
    for (let index = 0; index < all.length; index += BATCH) await ask(all.slice(index, index + BATCH), known)
    return known
  }
}
