import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Invocation, InvocationResult } from './handler.ts'

export type LambdaOptions = {
  readonly name: string
  /** The bundle's file, unmodified; its export `handler` is invoked. */
  readonly bundle: string
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly memoryMb?: number
  /** How many instances there may be at a time; what comes beyond that waits for one. Any number by default. */
  readonly instancesMax?: number
  /** Takes each line that the function writes, and, as Lambda's log does, why an invocation gave no result. */
  readonly onLine?: (line: string) => void
}

/** An invocation that gave no result: the function threw, ran out of time, or was killed. */
export class LambdaFailure extends Error {
  override readonly name = 'LambdaFailure'
}

/** A function as Lambda runs it: an instance for each invocation at a time, kept for the next one. */
export type Lambda = {
  /** @throws LambdaFailure */
  invoke(event: unknown): Promise<unknown>
  /** Ends every instance at once, in the middle of whatever it does. */
  kill(): Promise<void>
  /** Gives invocations that begin from now on so many milliseconds, or (undefined) what they usually have. */
  limit(timeoutMs: number | undefined): void
  /** Lets new invocations run another build; those under way end on the old one. */
  replace(bundle: string): void
  /** Waits for the invocations under way, then ends every instance. */
  close(): Promise<void>
}

export function createLambda(options: LambdaOptions): Lambda {
  const { name, memoryMb = 512, instancesMax = Number.POSITIVE_INFINITY } = options
  let { timeoutMs } = options
  let bundle = pathToFileURL(options.bundle).href
  let idle: Instance[] = []
  const busy = new Map<Instance, Promise<unknown>>()

  const take = (): Instance => {
    // One that died while it waited is of no use.
    for (let instance = idle.pop(); instance; instance = idle.pop()) if (instance.alive()) return instance
    return startInstance(bundle, options)
  }
  let free = instancesMax
  const waiting: (() => void)[] = []
  const invoke = async (event: unknown): Promise<unknown> => {
    if (free > 0) free -= 1
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      return await invokeNow(event)
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
  const invokeNow = async (event: unknown): Promise<unknown> => {
    const instance = take()
    const limitMs = timeoutMs
    const invocation: Invocation = {
      event,
      requestId: randomUUID(),
      functionName: name,
      memoryMb,
      deadline: Date.now() + limitMs,
    }
    const running = instance.run(invocation, limitMs)
    busy.set(instance, running)
    try {
      const result = await running
      if (instance.bundle === bundle && instance.alive()) idle.push(instance)
      else void instance.end()
      if (!result.ok) throw new LambdaFailure(`${name} threw ${result.name}: ${result.message}`)
      return result.value
    } catch (error) {
      options.onLine?.(messageOf(error))
      throw error
    } finally {
      busy.delete(instance)
    }
  }
  const kill = async (): Promise<void> => {
    const instances = [...idle, ...busy.keys()]
    idle = []
    await Promise.all(instances.map(instance => instance.end()))
  }
  return {
    invoke,
    kill,
    limit(ms) {
      timeoutMs = ms ?? options.timeoutMs
    },
    replace(file) {
      bundle = pathToFileURL(file).href
      for (const instance of idle.splice(0)) void instance.end()
    },
    async close() {
      await Promise.allSettled(busy.values())
      await kill()
    },
  }
}

type Instance = {
  readonly bundle: string
  alive(): boolean
  run(invocation: Invocation, timeoutMs: number): Promise<InvocationResult>
  end(): Promise<unknown>
}

function startInstance(bundle: string, { name, env, onLine }: LambdaOptions): Instance {
  const worker = new Worker(new URL('lambda-worker.ts', import.meta.url), {
    workerData: bundle,
    env: { ...env, AWS_LAMBDA_FUNCTION_NAME: name },
    execArgv: ['--enable-source-maps'],
    stdout: true,
    stderr: true,
  })
  for (const stream of [worker.stdout, worker.stderr])
    createInterface({ input: stream }).on('line', line => onLine?.(line))
  let alive = true
  const end = (): Promise<unknown> => {
    alive = false
    return worker.terminate()
  }
  /** What to do when the worker ends: between invocations, to say so; during one, to fail it. */
  const betweenInvocations = (reason: string): void => onLine?.(reason)
  let fail = betweenInvocations
  worker.on('error', error => {
    alive = false
    fail(`${name} could not go on: ${messageOf(error)}`)
  })
  worker.on('exit', () => {
    if (alive || fail !== betweenInvocations) fail(`${name} was stopped before it was done.`)
    alive = false
  })
  return {
    bundle,
    alive: () => alive,
    end,
    run: (invocation, timeoutMs) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          fail(`${name} timed out after ${timeoutMs / 1000} s.`)
          void end()
        }, timeoutMs)
        const finish = () => {
          clearTimeout(timer)
          worker.off('message', settle)
          fail = betweenInvocations
        }
        const settle = (result: InvocationResult) => {
          finish()
          resolve(result)
        }
        fail = reason => {
          finish()
          reject(new LambdaFailure(reason))
        }
        worker.once('message', settle)
        worker.postMessage(invocation)
      }),
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
