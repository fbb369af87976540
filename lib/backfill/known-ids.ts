import { setTimeout as delay } from 'node:timers/promises'
import {
  BatchGetItemCommand,
  type BatchGetItemCommandOutput,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'

/** Which of many events the ledger has a record of. */
export type KnownIds = (ids: readonly string[]) => Promise<ReadonlySet<string>>

/** How many keys DynamoDB takes at a time. */
const BATCH = 100

/** Asks the ledger's table by the events' ids, for what has been written by now. */
export function createKnownIds(options: {
  readonly dynamodb: Pick<DynamoDBClient, 'send'>
  readonly table: string
}): KnownIds {
  const { dynamodb, table } = options
  const ask = async (ids: readonly string[], known: Set<string>): Promise<void> => {
    let keys: BatchGetItemCommandOutput['UnprocessedKeys'] = {
      [table]: {
        Keys: ids.map(eventId => marshall({ eventId })),
        ProjectionExpression: 'eventId',
        ConsistentRead: true,
      },
    }
    for (let round = 0; Object.keys(keys ?? {}).length > 0; round += 1) {
      // What DynamoDB left out it had no capacity for; asked again at once, it would leave it out again.
      if (round > 0) await delay(Math.min(50 * 2 ** round, 2000))
      const answer: BatchGetItemCommandOutput = await dynamodb.send(
        new BatchGetItemCommand({ RequestItems: keys }),
      )
      for (const { eventId } of answer.Responses?.[table] ?? []) if (eventId?.S) known.add(eventId.S)
      keys = answer.UnprocessedKeys
    }
  }
  return async ids => {
    const known = new Set<string>()
    const all = [...new Set(ids)]
    for (let index = 0; index < all.length; index += BATCH) await ask(all.slice(index, index + BATCH), known)
    return known
  }
}
