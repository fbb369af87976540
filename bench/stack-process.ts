// The whole local stack in a process of its own: whoever sends the deliveries takes nothing from it but what it answers.

import { EXAMPLES } from '../infra/build/bundle.ts'
import { packageStage } from '../infra/build/package.ts'
import { startStack } from '../local/stack.ts'

const stack = await startStack({
  port: 0,
  packaged: await packageStage({ stage: 'local', project: EXAMPLES }),
  eventsMax: 20_000,
})
const { content } = stack.box
const { id } = content.uploadFile({ parentId: '100001', name: 'contract.pdf', content: 'a contract' })
await stack.box.settled()

const eventsByNow = () =>
  stack.journal.events.map(({ eventId, status, firstAt, finishedAt }) => ({
    eventId,
    status,
    firstAt,
    finishedAt,
  }))

process.on('message', async (asked: { readonly end?: boolean; readonly memory?: boolean }) => {
  if (asked.memory) return process.send?.({ rssMb: process.memoryUsage.rss() / 2 ** 20 })
  if (!asked.end) return process.send?.({ events: eventsByNow() })
  await stack.stop()
  return process.exit()
})
process.send?.({ url: stack.url, keys: stack.keys, fileId: id })
