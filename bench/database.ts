// DynamoDB in memory, in a process of its own: what it does counts for nobody who is measured.
import { startEmbeddedDynamoDb } from '../local/aws/embedded-aws.ts'

const { url, http } = await startEmbeddedDynamoDb()
let calls = 0
http.on('request', () => {
  calls += 1
})
process.on('message', () => process.send?.({ calls }))
process.on('disconnect', () => process.exit())
process.send?.({ url })
