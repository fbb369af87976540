import { parseArgs } from 'node:util'
import { benchCold, COLD_FUNCTIONS, type ColdFigures } from './cold.ts'
import { describeMachine, type Machine, machine } from './machine.ts'
import { installPeers } from './peers.ts'
import { writePlots } from './plot.ts'
import { benchVerify, VERIFIERS, type VerifyFigures } from './verify.ts'

const USAGE = `npm run bench -- [--only cold|verify] [--runs N] [--quick] [--json] [--plots]

  --only NAME  one part alone (may be given again)
  --runs N     rounds of cold starts, 11 by default; verification takes twenty times as many
  --quick      3 rounds, to see that it works
  --json       figures as JSON on standard output
  --plots      writes docs/performance-cold.svg and docs/performance-verify.svg`

const PARTS = ['cold', 'verify'] as const

export type Figures = {
  readonly machine: Machine
  readonly runs: number
  readonly cold?: readonly ColdFigures[]
  readonly verify?: readonly VerifyFigures[]
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    runs: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    plots: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const runs = Number(values.runs ?? (values.quick ? 3 : 11))
const parts = values.only ?? PARTS
const unknown = parts.filter(part => !PARTS.some(known => known === part))
if (values.help) console.log(USAGE)
else if (unknown.length > 0 || !Number.isSafeInteger(runs) || runs < 1) {
  console.error(USAGE)
  process.exitCode = 1
} else await main()

async function main(): Promise<void> {
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  await installPeers(tell)
  const at = machine()
  const cold = parts.includes('cold')
    ? await benchCold(runs, round => tell(`cold starts: round ${round} of ${runs}`))
    : undefined
  if (parts.includes('verify')) tell('verification: 1, 16 and 256 KB')
  const verify = parts.includes('verify') ? await benchVerify(runs * 20) : undefined
  const figures: Figures = { machine: at, runs, ...(cold ? { cold } : {}), ...(verify ? { verify } : {}) }
  console.log(values.json ? JSON.stringify(figures, null, 2) : table(figures))
  if (values.plots) for (const file of await writePlots(figures)) tell(`wrote ${file}`)
}

function table({ machine: at, cold, verify }: Figures): string {
  return [describeMachine(at), ...(cold ? coldTable(cold) : []), ...(verify ? verifyTable(verify) : [])].join(
    '\n',
  )
}

function coldTable(figures: readonly ColdFigures[]): string[] {
  const floor = figures.find(({ name }) => name === 'bare-http')
  const of = (value: number, by: number | undefined) => (by ? `${(value / by).toFixed(2)}×` : '')
  return [
    '',
    '| cold start of | bundle | min / median / max | over empty | by the floor | processor over empty | warm min / median / max | by the floor | peak |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...figures.map(one => {
      const { min, median, max } = one.coldMs
      const warm = one.warmMs
      const cells = [
        COLD_FUNCTIONS[one.name],
        `${(one.bundleBytes / 1024).toFixed(1)} KB`,
        `${min.toFixed(0)} / ${median.toFixed(0)} / ${max.toFixed(0)} ms`,
        `${one.overEmptyMs.toFixed(1)} ms`,
        of(one.overEmptyMs, floor?.overEmptyMs),
        `${one.overEmptyCpuMs.toFixed(1)} ms`,
        `${warm.min.toFixed(2)} / ${warm.median.toFixed(2)} / ${warm.max.toFixed(2)} ms`,
        of(warm.median, floor?.warmMs.median),
        `${one.peakMb.toFixed(0)} MB`,
      ]
      return `| ${cells.join(' | ')} |`
    }),
  ]
}

function verifyTable(figures: readonly VerifyFigures[]): string[] {
  const names = ['raw', 'ours-one', 'ours-both', 'box-sdk', 'octokit', 'standardwebhooks'] as const
  return [
    '',
    `| verifying | ${figures.map(({ kilobytes }) => `${kilobytes} KB`).join(' | ')} |`,
    `|---|${figures.map(() => '--:|').join('')}`,
    ...names.map(
      name =>
        `| ${VERIFIERS[name]} | ${figures.map(({ ratios }) => `${ratios[name].toFixed(2)}×`).join(' | ')} |`,
    ),
    `| one raw createHmac takes | ${figures.map(({ rawUs }) => `${rawUs.toFixed(1)} µs`).join(' | ')} |`,
  ]
}
