import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { ROOT } from '../../infra/build/bundle.ts'
import { countingIn, runPart } from '../support/parts.ts'
import { runTool } from '../support/tools.ts'

/** How many random cases, simulated seeds and events of real processes a run has. */
const FUZZ_CASES = 300_000
const SIMULATED_SEEDS = 400
const FAULTS_EVENTS = 1000

/** Runs every part of the thorough suite, whatever came of the others, and returns the exit code. */
function main(seed: number): number {
  console.log(`The thorough suite, seed ${seed}. Again: npm run test:thorough -- --seed ${seed}`)
  const parts: readonly (readonly [string, (results: string) => number])[] = [
    [
      'thorough tests',
      results =>
        runTool('vitest', ['run', '--project', 'thorough', ...countingIn(results)], {
          THOROUGH_SEED: String(seed),
        }),
    ],
    ['fuzz', () => script('fuzz/main.ts', '--seed', String(seed), '--cases', String(FUZZ_CASES))],
    [
      'simulation',
      () => script('simulation/main.ts', '--first', String(seed), '--seeds', String(SIMULATED_SEEDS)),
    ],
    ['faults', () => script('processes/main.ts', '--seed', String(seed), '--events', String(FAULTS_EVENTS))],
    ['models beside moto', () => script('moto/models.ts')],
    ['stack in moto', () => script('moto/main.ts')],
  ]
  return parts.filter(([name, run]) => runPart(name, run) !== 0).length === 0 ? 0 : 1
}

function script(file: string, ...args: string[]): number {
  const { status } = spawnSync(process.execPath, [`test/thorough/${file}`, ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  })
  return status ?? 1
}

const { seed } = parseArgs({ options: { seed: { type: 'string' } } }).values
if (seed !== undefined && !/^\d{1,9}$/.test(seed)) {
  console.error('--seed must be a whole number of at most nine digits, as a failing run prints it.')
  process.exit(2)
}
process.exit(main(seed === undefined ? randomInt(2 ** 29) : Number(seed)))
