import { randomInt } from 'node:crypto'
import { Command, InvalidArgumentError } from 'commander'
import { fuzz, NoSuchBoundary, type Total } from './runner.ts'

const CASES = 1_000_000
const PROGRESS_MS = 5000

type Options = {
  readonly cases: number
  readonly seed: number
  readonly only?: string
  readonly path?: string
  readonly boundaries: string
}

const whole = (text: string): number => {
  if (!/^-?\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

const program = new Command('fuzz')
  .description('Tries what holds at every boundary with cases made at random, on all cores.')
  .option('--cases <number>', 'how many cases in all', whole, CASES)
  .option('--seed <number>', 'where the cases start from', whole, randomInt(2 ** 31))
  .option('--only <name>', 'just the boundary with this name')
  .option('--path <path>', 'just the failed case at this path, with its --seed and --only')
  .option(
    '--boundaries <file>',
    'the module that exports them',
    new URL('boundaries.ts', import.meta.url).href,
  )

async function run({ boundaries, ...options }: Options): Promise<void> {
  const startedAt = Date.now()
  let toldAt = startedAt
  const what = options.path === undefined ? `${options.cases} cases` : `the case at ${options.path}`
  console.log(`Fuzzing ${what} from seed ${options.seed} …`)
  const totals = await fuzz({
    ...options,
    module: new URL(boundaries),
    onProgress(now) {
      if (Date.now() - toldAt < PROGRESS_MS) return
      toldAt = Date.now()
      console.log(
        `${seconds((toldAt - startedAt) / 1000)}  ${sum(now, 'cases')} of ${sum(now, 'planned')} cases`,
      )
    },
  })
  console.log(table(totals, (Date.now() - startedAt) / 1000))
  for (const { name, failure } of totals) {
    if (!failure) continue
    console.error(`\n${name}: ${failure.report}`)
    console.error(`Again: npm run fuzz -- --only ${name} --seed ${failure.seed} --path ${failure.path}`)
    process.exitCode = 1
  }
}

const sum = (totals: readonly Total[], of: 'cases' | 'planned' | 'seconds'): number =>
  totals.reduce((all, total) => all + total[of], 0)

const seconds = (value: number): string => `${value.toFixed(1)} s`.padStart(9)

function table(totals: readonly Total[], wallSeconds: number): string {
  const line = (name: string, cases: number, took: number, verdict = '') =>
    `${name.padEnd(24)}${String(cases).padStart(9)}${seconds(took)}${String(Math.round(cases / took)).padStart(9)}  ${verdict}`.trimEnd()
  return [
    `${'boundary'.padEnd(24)}${'cases'.padStart(9)}${'time'.padStart(9)}${'cases/s'.padStart(9)}`,
    ...totals.map(total => line(total.name, total.cases, total.seconds, total.failure ? 'FAILED' : 'holds')),
    line('all, on all cores', sum(totals, 'cases'), wallSeconds),
  ].join('\n')
}

try {
  await run(program.parse().opts<Options>())
} catch (error) {
  console.error(error instanceof NoSuchBoundary ? error.message : error)
  process.exitCode = 1
}
