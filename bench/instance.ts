import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KEYS } from './delivery.ts'
import type { StandIn } from './stand-in.ts'

const HERE = import.meta.dirname

/** AWS's own runtime client, as npm installs it here; its native part is built on the way. */
const RUNTIME_CLIENT = join(HERE, 'node_modules', 'aws-lambda-ric')

export const hasRuntimeClient = (): boolean => existsSync(join(RUNTIME_CLIENT, 'rapid-client.node'))

/** What one fresh process of a function has taken. */
export type Measured = {
  /** From the start of the process to its first answer, in milliseconds. */
  readonly coldMs: number
  /** Processor time until then, in milliseconds; undefined where the system does not tell (other than Linux). */
  readonly coldCpuMs: number | undefined
  /** Each further answer, in milliseconds. */
  readonly warmMs: readonly number[]
  /** The most memory that the process has held, in megabytes; undefined where the system does not tell. */
  readonly peakMb: number | undefined
}

/** What a function is asked, and what its answer has in it where all is well. */
export type Question = { readonly event: () => object; readonly answer: string }

/**
 * Starts a function in a fresh process, under AWS's runtime client where it is there, and lets it answer.
 * @param folder where its index.mjs is
 * @param warm how many events follow the first one
 * @throws Error where an answer is another
 */
export async function measure(
  folder: string,
  standIn: StandIn,
  { event: newEvent, answer }: Question,
  warm: number,
): Promise<Measured> {
  const env = environment(folder, standIn)
  const began = performance.now()
  const instance = hasRuntimeClient() ? underRuntimeClient(env, standIn) : inPlainNode(env)
  const ask = async (event: object): Promise<void> => {
    const text = await instance.answer(event)
    if (!text.includes(answer)) throw new Error(`The function answered ${text}, and not ${answer}.`)
  }
  try {
    await ask(newEvent())
    const coldMs = performance.now() - began
    const coldCpuMs = processorMs(instance.pid)
    const warmMs: number[] = []
    for (let count = 0; count < warm; count += 1) {
      const event = newEvent()
      const sent = performance.now()
      await ask(event)
      warmMs.push(performance.now() - sent)
    }
    return { coldMs, coldCpuMs, warmMs, peakMb: peakMb(instance.pid) }
  } finally {
    await instance.end()
  }
}

const environment = (folder: string, { host }: StandIn): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  AWS_SESSION_TOKEN: 'session',
  AWS_ENDPOINT_URL: `http://${host}`,
  AWS_LAMBDA_RUNTIME_API: host,
  LAMBDA_TASK_ROOT: folder,
  _HANDLER: 'index.handler',
  AWS_LAMBDA_FUNCTION_NAME: 'bench',
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
  AWS_LAMBDA_LOG_GROUP_NAME: 'bench',
  AWS_LAMBDA_LOG_STREAM_NAME: 'bench',
  QUEUE_URL: `http://${host}/000000000000/events`,
  SIGNATURE_KEYS_SECRET_ID: 'keys',
  DEAD_LETTER_QUEUE_URL: `http://${host}/000000000000/dead`,
  LEDGER_TABLE: 'ledger',
  BOX_APP_SECRET_ID: 'box-app',
  WEBHOOK_ADDRESS: `http://${host}/box/webhook`,
  BENCH_PRIMARY: KEYS.primary,
  BENCH_SECONDARY: KEYS.secondary,
})

type Instance = {
  readonly pid: number | undefined
  answer(event: object): Promise<string>
  end(): Promise<void>
}

function underRuntimeClient(env: NodeJS.ProcessEnv, standIn: StandIn): Instance {
  const child = spawn(process.execPath, [join(RUNTIME_CLIENT, 'index.mjs'), 'index.handler'], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const dead = died(child)
  return {
    pid: child.pid,
    answer: event => Promise.race([standIn.invoke(event), dead]),
    async end() {
      await ended(child)
      standIn.forget()
    },
  }
}

function inPlainNode(env: NodeJS.ProcessEnv): Instance {
  const child = spawn(process.execPath, [join(HERE, 'runtime.mjs')], {
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const said = () => new Promise<unknown>(resolve => child.once('message', resolve))
  const ready = said()
  const dead = died(child)
  return {
    pid: child.pid,
    async answer(event) {
      await Promise.race([ready, dead])
      const answered = said()
      child.send({ event })
      return JSON.stringify(await Promise.race([answered, dead]))
    },
    end: () => ended(child),
  }
}

function died(child: ChildProcess): Promise<never> {
  const dead = new Promise<never>((_, reject) =>
    child.once('exit', code => reject(new Error(`The function ended with code ${code}.`))),
  )
  // Between two answers nobody waits for it.
  dead.catch(() => {})
  return dead
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise(resolve => {
    child.removeAllListeners('exit')
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })

/** The time that all threads of a process have run, in milliseconds. */
function processorMs(pid: number | undefined): number | undefined {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`)
    const ns = tasks.map(task =>
      Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]),
    )
    return ns.reduce((sum, one) => sum + one, 0) / 1e6
  } catch {
    return undefined
  }
}

function peakMb(pid: number | undefined): number | undefined {
  try {
    const [, kb] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kb === undefined ? undefined : Number(kb) / 1024
  } catch {
    return undefined
  }
}
