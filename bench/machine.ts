import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os'
import { join } from 'node:path'
import { hasRuntimeClient } from './instance.ts'

/** Where and when figures were taken. */
export type Machine = {
  readonly date: string
  readonly node: string
  readonly processor: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly runtime: string
  /** How many processes wanted to run at the start, by the system's average of a minute; more than the cores is a busy machine. */
  readonly load: number
}

export function machine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()}`,
    runtime: hasRuntimeClient()
      ? `aws-lambda-ric ${runtimeVersion()}`
      : 'a plain Node process (no aws-lambda-ric)',
    load: Number((loadavg()[0] ?? 0).toFixed(1)),
  }
}

function runtimeVersion(): string {
  const file = join(import.meta.dirname, 'node_modules', 'aws-lambda-ric', 'package.json')
  const { version }: { version?: unknown } = JSON.parse(readFileSync(file, 'utf8'))
  return String(version)
}

export const describeMachine = ({
  date,
  node,
  processor,
  cores,
  memoryGb,
  system,
  runtime,
  load,
}: Machine): string =>
  `${date}, ${processor}, ${cores} cores, ${memoryGb} GB, ${system}, Node ${node}, ${runtime}, load ${load}`
