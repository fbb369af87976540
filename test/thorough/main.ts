import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { ROOT } from '../../infra/bundle.ts'
import { runTool } from '../support/tools.ts'

const seed = randomInt(2 ** 30)

/** The parts of the thorough suite, each with what runs it. */
const PARTS: readonly (readonly [name: string, run: () => number])[] = [
  ['tests', () => runTool('vitest', ['run', '--project', 'thorough'])],
  ['fuzz', () => script('test/thorough/fuzz/main.ts', '--seed', String(seed), '--cases', '200000')],
  ['simulation', () => script('test/thorough/simulation/main.ts', '--first', String(seed), '--seeds', '200')],
  ['moto models', () => script('test/thorough/moto/models.ts')],
  ['moto', () => script('test/thorough/moto/main.ts')],
]

function script(file: string, ...args: string[]): number {
  return spawnSync(process.execPath, [file, ...args], { cwd: ROOT, stdio: 'inherit' }).status ?? 1
}

console.log(`The thorough suite with seed ${seed}`)
let failed = 0
for (const [, run] of PARTS) if (run() !== 0) failed += 1
process.exit(failed === 0 ? 0 : 1)
