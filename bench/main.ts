import { parseArgs } from 'node:util'
import { type AutomateFigures, benchAutomate, ENGINES } from './automate.ts'
import { benchCold, COLD_FUNCTIONS, type ColdFigures } from './cold.ts'
import { benchGrowth, type GrowthFigures } from './growth.ts'
import { describeMachine, type Machine, machine } from './machine.ts'
import { installPeers } from './peers.ts'
import { benchStack, type StackFigures } from './stack.ts'
import { benchVerify, VERIFIERS, type VerifyFigures } from './verify.ts'

const PARTS = ['cold', 'verify', 'automate', 'stack', 'growth'] as const

const USAGE = `npm run bench -- [--only ${PARTS.join('|')}] [--runs N] [--quick] [--json]

  --only NAME       one part alone (may be given again)
  --runs N          rounds of cold starts, 11 by default; verification takes twenty times as many
  --deliveries N    how many are sent to the local stack, 10,000 by default
  --events N        how far the ledger is filled, 100,000 by default
  --quick           3 rounds, 300 deliveries and 2000 events, to see that it works
  --json            figures as JSON on standard output`

type Figures = {
  readonly machine: Machine
  readonly runs: number
  readonly cold?: readonly ColdFigures[]
  readonly verify?: readonly VerifyFigures[]
  readonly automate?: readonly AutomateFigures[]
  readonly stack?: StackFigures
  readonly growth?: GrowthFigures
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    runs: { type: 'string' },
    deliveries: { type: 'string' },
    events: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const runs = Number(values.runs ?? (values.quick ? 3 : 11))
const deliveries = Number(values.deliveries ?? (values.quick ? 300 : 10_000))
const events = Number(values.events ?? (values.quick ? 2000 : 100_000))
const parts = values.only ?? PARTS
const unknown = parts.filter(part => !PARTS.some(known => known === part))
const areCounts = [runs, deliveries, events].every(one => Number.isSafeInteger(one) && one > 0)
if (values.help) console.log(USAGE)
else if (unknown.length > 0 || !areCounts) {
  console.error(USAGE)
  process.exitCode = 1
} else await main()

async function main(): Promise<void> {
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  await installPeers(tell)
  const at = machine()
  const part = async <T>(name: (typeof PARTS)[number], measure: () => Promise<T>) =>
    parts.includes(name) ? { [name]: await measure() } : {}
  const figures: Figures = {
    machine: at,
    runs,
    ...(await part('cold', () => benchCold(runs, round => tell(`cold starts: round ${round} of ${runs}`)))),
    ...(await part('verify', () => benchVerify(runs * 20, size => tell(`verification: ${size} KB`)))),
    ...(await part('automate', () => benchAutomate(runs, tell))),
    ...(await part('stack', () => benchStack(deliveries, tell))),
    ...(await part('growth', () => benchGrowth(events, tell))),
  }
  console.log(values.json ? JSON.stringify(figures, null, 2) : table(figures))
}

function table({ machine: at, cold, verify, automate, stack, growth }: Figures): string {
  return [
    describeMachine(at),
    ...(cold ? coldTable(cold) : []),
    ...(verify ? verifyTable(verify) : []),
    ...(automate ? automateTable(automate) : []),
    ...(stack ? stackTable(stack) : []),
    ...(growth ? growthTables(growth) : []),
  ].join('\n')
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

function automateTable(figures: readonly AutomateFigures[]): string[] {
  return [
    '',
    '| automations an event | engine | processor an event | calls of DynamoDB an event | events a second | our processor time by theirs |',
    '|--:|---|--:|--:|--:|--:|',
    ...figures.flatMap(({ automations, engines, cpuRatio }) =>
      (['boxhooks', 'powertools'] as const).map(name => {
        const { cpuMs, callsPerEvent, eventsPerSecond } = engines[name]
        const ratio = name === 'boxhooks' ? `${cpuRatio.toFixed(2)}×` : ''
        return `| ${automations} | ${ENGINES[name]} | ${cpuMs.toFixed(2)} ms | ${callsPerEvent.toFixed(2)} | ${eventsPerSecond.toFixed(0)} | ${ratio} |`
      }),
    ),
  ]
}

function stackTable({ steps, drainSeconds, memory }: StackFigures): string[] {
  const megabytes = memory.map(({ rssMb }) => rssMb)
  return [
    '',
    '| deliveries a second | accepted a second | not accepted | ingest p50 / p99 | end to end p50 / p99 |',
    '|--:|--:|--:|--:|--:|',
    ...steps.map(({ rate, acceptedPerSecond, notAccepted, sent, ingestMs, endToEndMs }) => {
      const [ingest, end] = [ingestMs, endToEndMs].map(
        ({ p50, p99 }) => `${p50.toFixed(0)} / ${p99.toFixed(0)} ms`,
      )
      return `| ${rate} | ${acceptedPerSecond.toFixed(1)} | ${notAccepted} of ${sent} | ${ingest} | ${end} |`
    }),
    '',
    `After the last delivery the queue was worked off in ${drainSeconds.toFixed(1)} s. The stack held ${megabytes[0] ?? 0} MB at the start, ${Math.max(0, ...megabytes)} MB at most and ${megabytes.at(-1) ?? 0} MB in the end.`,
  ]
}

function growthTables({ byEvents, byAutomations, byBody }: GrowthFigures): string[] {
  const costs = (what: string, rows: GrowthFigures['byEvents']) => [
    '',
    `| ${what} | processor an event | calls of DynamoDB an event | events a second | memory |`,
    '|--:|--:|--:|--:|--:|',
    ...rows.map(
      ({ at, cpuMs, callsPerEvent, eventsPerSecond, rssMb }) =>
        `| ${at.toLocaleString('en')} | ${cpuMs.toFixed(2)} ms | ${callsPerEvent.toFixed(2)} | ${eventsPerSecond.toFixed(0)} | ${rssMb.toFixed(0)} MB |`,
    ),
  ]
  return [
    ...costs('events before', byEvents),
    ...costs('automations an event', byAutomations),
    '',
    '| body | processor at ingest | processor at automate |',
    '|--:|--:|--:|',
    ...byBody.map(
      ({ kilobytes, ingestCpuMs, automateCpuMs }) =>
        `| ${kilobytes} KB | ${ingestCpuMs.toFixed(2)} ms | ${automateCpuMs.toFixed(2)} ms |`,
    ),
  ]
}
