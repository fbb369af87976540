import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch'
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency'
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb'

// The same work with Powertools for AWS Lambda: a batch's events side by side, each automation once for each event.
const processor = new BatchProcessor(EventType.SQS)
const persistenceStore = new DynamoDBPersistenceLayer({
  tableName: process.env.LEDGER_TABLE,
  keyAttr: 'eventId',
})
const config = new IdempotencyConfig({ eventKeyJmesPath: 'id' })
const automations = Array.from({ length: Number(process.env.BENCH_AUTOMATIONS) }, (_, index) =>
  makeIdempotent(async event => ({ id: event.id }), {
    persistenceStore,
    config,
    keyPrefix: `automation-${index + 1}`,
  }),
)

const record = async ({ body }) => {
  const event = JSON.parse(body)
  await Promise.all(automations.map(automation => automation(event)))
}

export const handler = async (event, context) => {
  config.registerLambdaContext(context)
  return processPartialResponse(event, record, processor, { context })
}
