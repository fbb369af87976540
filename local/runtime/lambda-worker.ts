import { parentPort, workerData } from 'node:worker_threads'
import { type Invocation, loadHandler } from './handler.ts'

// The Box SDK's dependencies use what Node deprecates; whoever runs the stack can't mend that.
process.noDeprecation = true

if (parentPort) serve(parentPort, workerData)

/** Runs one bundle's handler for each message, as Lambda's runtime does: one at a time, in a process that stays. */
async function serve(port: NonNullable<typeof parentPort>, bundle: unknown): Promise<void> {
  const handle = await loadHandler(String(bundle))
  port.on('message', async (invocation: Invocation) => {
    const result = await handle(invocation)
    await Promise.all([process.stdout, process.stderr].map(written))
    port.postMessage(result)
  })
}

/** Waits until all that was written has been read: a worker that is ended takes with it what was not. */
const written = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise(resolve => {
    if (stream.writableLength === 0) resolve()
    else stream.write('', () => resolve())
  })
