import { mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { bundle, EXAMPLES, ROOT } from '../infra/build/bundle.ts'
import { batchOf, buildAutomate } from './automate.ts'
import { gatewayEvent } from './delivery.ts'
import { median, type Spread, spread } from './figures.ts'
import { type Measured, measure, type Question } from './instance.ts'
import { startStandIn } from './stand-in.ts'

/** What is measured, in the order of the table. */
export const COLD_FUNCTIONS = {
  empty: 'an empty function',
  'bare-http': 'two HTTP calls, unsigned (the floor)',
  'lean-sigv4': 'two HTTP calls signed by aws4',
  ingest: 'boxhooks’ ingest',
  automate: 'boxhooks’ automate, one event and one automation',
  reconcile: 'boxhooks’ reconcile, asked for what it does not know',
  backfill: 'boxhooks’ backfill, asked how it stands',
  'aws-sdk': 'two calls by AWS’s SDK, nothing verified',
  'box-sdk': 'box-node-sdk’s validateMessage alone, no call',
} as const
type ColdFunction = keyof typeof COLD_FUNCTIONS

export type ColdFigures = {
  readonly name: ColdFunction
  readonly bundleBytes: number
  readonly coldMs: Spread
  /** The median of what a run took more than the empty function in the same round. */
  readonly overEmptyMs: number
  readonly coldCpuMs: number
  readonly overEmptyCpuMs: number
  /** Of each run the median of its warm answers; of these the spread. */
  readonly warmMs: Spread
  readonly peakMb: number
}

const WARM = 200

const DELIVERY: Question = { event: () => gatewayEvent(), answer: '"statusCode":202' }
/** What those functions are asked that take no delivery. */
const QUESTIONS: Partial<Record<ColdFunction, Question>> = {
  automate: { event: () => batchOf(2, 1), answer: '"batchItemFailures":[]' },
  reconcile: { event: () => ({ action: 'none' }), answer: '"ok":false' },
  backfill: { event: () => ({ action: 'status' }), answer: '"ok":true' },
}

/**
 * Measures each function's start in fresh processes, one of each in every round, so that whatever else the machine does
 * meets all of them alike.
 */
export async function benchCold(runs: number, onRound: (round: number) => void): Promise<ColdFigures[]> {
  const folders = await buildAll()
  const standIn = await startStandIn()
  const measured = new Map(folders.map(([name]) => [name, [] as Measured[]]))
  try {
    // The first round fills the system's caches.
    for (let round = 0; round <= runs; round += 1) {
      for (const [name, folder] of folders) {
        const one = await measure(folder, standIn, QUESTIONS[name] ?? DELIVERY, WARM)
        if (round > 0) measured.get(name)?.push(one)
      }
      onRound(round)
    }
  } finally {
    await standIn.close()
  }
  const empty = measured.get('empty') ?? []
  return Promise.all(
    folders.map(async ([name, folder]) => {
      const all = measured.get(name) ?? []
      const cpu = (one: Measured | undefined) => one?.coldCpuMs ?? Number.NaN
      return {
        name,
        bundleBytes: (await stat(join(folder, 'index.mjs'))).size,
        coldMs: spread(all.map(one => one.coldMs)),
        overEmptyMs: median(all.map((one, round) => one.coldMs - (empty[round]?.coldMs ?? 0))),
        coldCpuMs: median(all.map(cpu)),
        overEmptyCpuMs: median(all.map((one, round) => cpu(one) - cpu(empty[round]))),
        warmMs: spread(all.map(one => median(one.warmMs))),
        peakMb: median(all.map(one => one.peakMb ?? Number.NaN)),
      }
    }),
  )
}

const NAMES: readonly ColdFunction[] = [
  'empty',
  'bare-http',
  'lean-sigv4',
  'ingest',
  'automate',
  'reconcile',
  'backfill',
  'aws-sdk',
  'box-sdk',
]

/** Bundles every function as ingest is bundled; each gets a folder, as in Lambda. */
async function buildAll(): Promise<[ColdFunction, string][]> {
  const outDir = join(ROOT, '.boxhooks', 'bench')
  await bundle({ project: EXAMPLES, outDir: join(outDir, 'dist') })
  await mkdir(outDir, { recursive: true })
  const others = dirname(dirname(await buildAutomate(1)))
  return Promise.all(
    NAMES.map(async (name): Promise<[ColdFunction, string]> => {
      if (name === 'ingest') return [name, join(outDir, 'dist', 'ingest')]
      if (name === 'automate' || name === 'reconcile' || name === 'backfill')
        return [name, join(others, name)]
      const folder = join(outDir, name)
      await build({
        entryPoints: [join(import.meta.dirname, 'functions', `${name}.mjs`)],
        outfile: join(folder, 'index.mjs'),
        bundle: true,
        minify: true,
        platform: 'node',
        target: 'node24',
        mainFields: ['module', 'main'],
        format: 'esm',
        // The peers' packages call require().
        ...(name === 'empty' || name === 'bare-http' ? {} : { banner: { js: REQUIRE } }),
        logLevel: 'error',
      })
      return [name, folder]
    }),
  )
}

const REQUIRE =
  "import{createRequire as __benchRequire}from'node:module';const require=__benchRequire(import.meta.url);"
