// Runs a function where AWS's runtime client can't be built: loads its bundle and hands it one event after the other, over
// the channel to the parent process, so that nothing but the function loads node:http.
import { pathToFileURL } from 'node:url'

const { handler } = await import(pathToFileURL(`${process.env.LAMBDA_TASK_ROOT}/index.mjs`).href)
process.on('message', async ({ event }) => {
  const deadline = Date.now() + 10_000
  process.send(await handler(event, { getRemainingTimeInMillis: () => deadline - Date.now() }))
})
process.send('ready')
