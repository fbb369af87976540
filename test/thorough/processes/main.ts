import { Command, InvalidArgumentError } from 'commander'
import { EXAMPLES } from '../../../infra/build/bundle.ts'
import { packageStage } from '../../../infra/build/package.ts'
import { createRandom } from '../simulation/random.ts'
import { figuresOf } from './figures.ts'
import { type Rig, startRig } from './rig.ts'
import { planStorm, runStorm } from './storm.ts'

/** How long everything may take to come to rest after the last fault, in milliseconds. */
const SETTLE_MS = 240_000
const VIOLATIONS_SHOWN = 50

function whole(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0)
    throw new InvalidArgumentError('It must be a whole number from 0 up.')
  return number
}

const { events, seed, minutes, workers, verbose } = new Command('faults')
  .description('run every part as a process of its own, and let all that can fail do so')
  .option('--events <number>', 'how many events a round has', whole, 5000)
  .option('--seed <number>', 'what decides about the faults', whole, Date.now() % 1_000_000)
  .option('--minutes <number>', 'begin further rounds, each with the next seed, for so long', whole, 0)
  .option('--workers <number>', 'how many workers there are', whole, 3)
  .option('--verbose', 'tell of each fault', false)
  .parse()
  .opts<{ events: number; seed: number; minutes: number; workers: number; verbose: boolean }>()

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130))

const startedAt = Date.now()
const { template } = await packageStage({ stage: 'local', project: EXAMPLES })
let round = seed
do {
  const sound = await storm(round)
  round += 1
  if (!sound) process.exit(1)
} while (Date.now() - startedAt < minutes * 60_000)

async function storm(roundSeed: number): Promise<boolean> {
  console.log(`seed ${roundSeed}: ${events} events, ${workers} workers`)
  const rig: Rig = await startRig({ template, workers })
  const begunAt = Date.now()
  try {
    const plan = planStorm(createRandom(roundSeed), events)
    await runStorm(rig, plan, events, verbose ? console.log : undefined)
    const verdict = await rig.settle(SETTLE_MS)
    for (const [name, figure] of figuresOf(rig, verdict, plan)) console.log(`  ${name}: ${figure}`)
    console.log(`  seconds: ${Math.round((Date.now() - begunAt) / 1000)}`)
    for (const violation of verdict.violations.slice(0, VIOLATIONS_SHOWN))
      console.error(`  WRONG: ${violation}`)
    if (verdict.violations.length === 0) console.log('  The final state is the expected one.')
    else
      console.error(
        `  ${verdict.violations.length} things are wrong. Run again with --seed ${roundSeed} --events ${events}.`,
      )
    return verdict.violations.length === 0
  } finally {
    await rig.stop()
  }
}
