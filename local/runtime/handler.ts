import { pathToFileURL } from 'node:url'

/** What one invocation brings to a function. */
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

export type Handler = (invocation: Invocation) => Promise<InvocationResult>

/**
 * Loads a bundle's handler, to be invoked as Lambda's runtime invokes it.
 * @param bundle the bundle's file or its URL
 * @throws TypeError where it exports no handler
 */
export async function loadHandler(bundle: string): Promise<Handler> {
  const url = bundle.startsWith('file:') ? bundle : pathToFileURL(bundle).href
  const module: Record<string, unknown> = await import(url)
  const { handler } = module
  if (typeof handler !== 'function') throw new TypeError(`${bundle} exports no handler.`)
  return invocation => run(handler, invocation)
}

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
