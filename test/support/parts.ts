import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../infra/build/bundle.ts'
import { parseObject } from '../../lib/base/json.ts'

/** Where each part of a run leaves what came of it; .ci/run adds them up. */
const RESULTS = join(ROOT, '.boxhooks', 'results')

/** What came of one part of a run. */
type PartResult = {
  readonly name: string
  readonly seconds: number
  readonly passed: number
  readonly failed: number
}

/**
 * Runs a part, prints how long it took and keeps the result for .ci/run. A part that counts no tests of its own counts as one.
 * @param run returns the exit code
 * @returns the exit code
 */
export function runPart(name: string, run: (results: string) => number): number {
  console.log(`\n== ${name}`)
  mkdirSync(RESULTS, { recursive: true })
  const counted = join(RESULTS, `${name.replaceAll(' ', '-')}.vitest.json`)
  writeFileSync(counted, '')
  const begun = performance.now()
  const code = run(counted)
  const seconds = Math.round((performance.now() - begun) / 1000)
  const tests = countsIn(counted) ?? { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 }
  const result: PartResult = { name, seconds, ...tests, failed: tests.failed || (code === 0 ? 0 : 1) }
  writeFileSync(join(RESULTS, `${name.replaceAll(' ', '-')}.json`), JSON.stringify(result))
  console.log(`== ${name}: ${code === 0 ? 'passed' : 'FAILED'} in ${seconds} s`)
  return code
}

/** Options that let vitest write what it counts to a file, beside what it prints. */
export const countingIn = (file: string): string[] => [
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${file}`,
]

function countsIn(file: string): { passed: number; failed: number } | undefined {
  const report = parseObject(readFileSync(file, 'utf8'))
  const { numPassedTests: passed, numFailedTests: failed } = report ?? {}
  return typeof passed === 'number' && typeof failed === 'number' ? { passed, failed } : undefined
}
