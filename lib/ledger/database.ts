import {
  type AttributeValue,
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  type UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { type AwsApi, type AwsOptions, createAwsCall } from '../aws/client.ts'
import { AwsError } from '../aws/errors.ts'
import { isObject } from '../base/json.ts'
import type { LedgerDatabase } from './ledger.ts'

const DYNAMODB: AwsApi = {
  service: 'dynamodb',
  endpoint: 'AWS_ENDPOINT_URL_DYNAMODB',
  target: 'DynamoDB_20120810',
  headers: { 'content-type': 'application/x-amz-json-1.0' },
}

/**
 * DynamoDB as the ledger calls it, without the client of AWS's SDK: automate calls it for every event, and the client takes more of
 * the processor than all else together.
 * @throws (its calls) ConditionalCheckFailedException, AwsError, AwsUnreachable, AwsSettingsMissing
 */
export function createLedgerDatabase(options: AwsOptions): LedgerDatabase {
  const call = createAwsCall(DYNAMODB, options)
  return {
    async send(command: GetItemCommand | PutItemCommand | UpdateItemCommand) {
      try {
        const { Item } = await call(actionOf(command), onTheWire(command.input))
        return { Item: isObject(Item) ? itemIn(Item) : undefined }
      } catch (error) {
        if (error instanceof AwsError && error.name === 'ConditionalCheckFailedException')
          throw conditionFailed(error)
        throw error
      }
    },
  }
}

function actionOf(command: GetItemCommand | PutItemCommand | UpdateItemCommand): string {
  if (command instanceof GetItemCommand) return 'GetItem'
  return command instanceof PutItemCommand ? 'PutItem' : 'UpdateItem'
}

function conditionFailed({ message, status, answer }: AwsError): ConditionalCheckFailedException {
  return new ConditionalCheckFailedException({
    message: typeof answer?.message === 'string' ? answer.message : message,
    $metadata: { httpStatusCode: status },
    ...(isObject(answer?.Item) ? { Item: itemIn(answer.Item) } : {}),
  })
}

/** JSON has no bytes: they travel as base64. An item's packed payload is all that the ledger has of them. */
function onTheWire(input: object): object {
  const item = 'Item' in input ? input.Item : undefined
  if (!isObject(item)) return input
  const sent = { ...item }
  for (const name of Object.keys(item)) {
    const value = item[name]
    if (isObject(value) && value.B instanceof Uint8Array)
      sent[name] = { B: Buffer.from(value.B).toString('base64') }
  }
  return { ...input, Item: sent }
}

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html */
const itemIn = (json: Readonly<Record<string, unknown>>): Record<string, AttributeValue> =>
  Object.fromEntries(Object.entries(json).map(([name, value]) => [name, valueIn(value)]))

function valueIn(json: unknown): AttributeValue {
  const { S, N, B, BOOL, NULL, M, L } = isObject(json) ? json : {}
  if (typeof S === 'string') return { S }
  if (typeof N === 'string') return { N }
  if (typeof BOOL === 'boolean') return { BOOL }
  if (isObject(M)) return { M: itemIn(M) }
  if (Array.isArray(L)) return { L: L.map(valueIn) }
  if (typeof B === 'string') return { B: Uint8Array.from(Buffer.from(B, 'base64')) }
  // Sets the ledger does not write; what it can't read it takes for nothing.
  return { NULL: NULL === true }
}
