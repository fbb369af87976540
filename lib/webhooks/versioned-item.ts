import {
  type AttributeValue,
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'

/** The calls of DynamoDB that an item takes. */
export type ItemDatabase = {
  send(command: GetItemCommand): Promise<{ readonly Item?: Record<string, AttributeValue> | undefined }>
  send(command: PutItemCommand): Promise<unknown>
}

/** One item beside the events in the ledger's table, which has a version and is kept for good. */
export type VersionedItem = {
  /** @returns undefined where there is none */
  read(): Promise<Record<string, unknown> | undefined>
  /**
   * Replaces the item.
   * @param seen the version on whose strength it is replaced; 0 where there was none
   * @returns false where another process has written since
   */
  write(fields: object, seen: number): Promise<boolean>
}

/** @param key of the item; no event can have it, for no event's id has a space */
export function versionedItem(
  { dynamodb, table }: { readonly dynamodb: ItemDatabase; readonly table: string },
  key: string,
): VersionedItem {
  return {
    async read() {
      const Key = marshall({ eventId: key })
      const { Item } = await dynamodb.send(
        new GetItemCommand({ TableName: table, Key, ConsistentRead: true }),
      )
      return Item && unmarshall(Item)
    },
    async write(fields, seen) {
      try {
        await dynamodb.send(
          new PutItemCommand({
            TableName: table,
            Item: marshall({ ...fields, eventId: key, version: seen + 1 }),
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
