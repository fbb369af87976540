import { parentPort, workerData } from 'node:worker_threads'

/** What an invocation brings to the worker. */
export type Invocation = {
  readonly event: unknown
  readonly requestId: string
  readonly functionName: string
  readonly memoryMb: number
  /** Milliseconds since the epoch. */
  readonly deadline: number
}

export type InvocationResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly name: string; readonly message: string }

// The Box SDK's dependencies use what Node deprecates; whoever runs the stack can't mend that.
process.noDeprecation = true

if (parentPort) serve(parentPort, workerData)

/** Runs one bundle's handler for each message, as Lambda's runtime does: one at a time, in a process that stays. */
async function serve(port: NonNullable<typeof parentPort>, bundle: unknown): Promise<void> {
  const module: Record<string, unknown> = await import(String(bundle))
  const { handler } = module
  if (typeof handler !== 'function') throw new TypeError(`${String(bundle)} exports no handler.`)
  port.on('message', async (invocation: Invocation) => {
    const result = await run(handler, invocation)
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

// biome-ignore lint/complexity/noBannedTypes: a handler found in a module has no other type
async function run(handler: Function, invocation: Invocation): Promise<InvocationResult> {
  const { event, requestId, functionName, memoryMb, deadline } = invocation
  const context = {
    awsRequestId: requestId,
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${functionName}`,
    memoryLimitInMB: String(memoryMb),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  }
  try {
    const value: unknown = await Reflect.apply(handler, undefined, [event, context])
    // What leaves a Lambda leaves it as JSON.
    return { ok: true, value: value === undefined ? null : JSON.parse(JSON.stringify(value)) }
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error))
    return { ok: false, name, message }
  }
}
