import { randomUUID } from 'node:crypto'
import { SQSClient } from '@aws-sdk/client-sqs'
import { loadHandler } from '../../../local/runtime/handler.ts'
import { startPoller } from '../../../local/runtime/poller.ts'
import { numberIn, textIn } from './channel.ts'
import { settings, tell } from './parent.ts'

// The event source and one Lambda, which work on one batch at a time. Whoever started them sees to it that the Lambda does
// not outlive its time, as AWS does from outside.
const handle = await loadHandler(textIn(settings, 'bundle'))
const timeoutMs = numberIn(settings, 'timeoutMs')

startPoller({
  sqs: new SQSClient({ useQueueUrlAsEndpoint: false }),
  queueUrl: textIn(settings, 'queueUrl'),
  queueArn: textIn(settings, 'queueArn'),
  batchSize: numberIn(settings, 'batchSize'),
  concurrency: 1,
  async invoke(event) {
    const deadline = Date.now() + timeoutMs
    tell({ kind: 'begun', deadline })
    const invocation = { event, requestId: randomUUID(), functionName: 'automate', memoryMb: 512, deadline }
    const result = await handle(invocation)
    tell({ kind: 'ended' })
    if (!result.ok) throw new Error(`${result.name}: ${result.message}`)
    return result.value
  },
})
tell({ kind: 'ready' })
