// Runs a function in a process of its own, one invocation after the other, and tells what they have taken of the processor.
import { pathToFileURL } from 'node:url'

const { handler } = await import(pathToFileURL(process.env.BENCH_BUNDLE).href)
const context = () => {
  const deadline = Date.now() + 60_000
  return {
    awsRequestId: 'bench',
    functionName: 'bench',
    getRemainingTimeInMillis: () => deadline - Date.now(),
  }
}

process.on('message', async ({ invocations }) => {
  const cpu = process.cpuUsage()
  const began = performance.now()
  for (const event of invocations) {
    const answer = await handler(event, context())
    if (answer?.batchItemFailures?.length > 0 || answer?.statusCode > 299)
      throw new Error(`The function answered ${JSON.stringify(answer)}.`)
  }
  const wallMs = performance.now() - began
  const { user, system } = process.cpuUsage(cpu)
  process.send({ wallMs, cpuMs: (user + system) / 1000, rssMb: process.memoryUsage.rss() / 2 ** 20 })
})
process.on('disconnect', () => process.exit())
process.send('ready')
