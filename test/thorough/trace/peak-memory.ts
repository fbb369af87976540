import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const PROCESS = fileURLToPath(new URL('memory-process.ts', import.meta.url))

/**
 * Runs a function's bundle in a process of its own.
 * @param events what it is invoked with, one after the other
 * @returns the most memory that the process has taken, in MB
 */
export async function peakMemoryMb(
  bundle: string,
  env: Readonly<Record<string, string>>,
  events: readonly unknown[],
): Promise<number> {
  const child = spawn(process.execPath, [PROCESS], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed += chunk
  })
  child.stdin.end(JSON.stringify({ bundle, events }))
  await once(child, 'close')
  const [, peak] = /^PEAK (\d+)$/m.exec(printed) ?? []
  if (peak === undefined) throw new Error(`The function did not come to its end: ${printed}`)
  return Number(peak)
}
