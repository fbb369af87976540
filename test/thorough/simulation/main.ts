import { parseArgs } from 'node:util'
import { runCampaign, type Total } from './campaign.ts'
import { hunt, rowOf } from './hunt.ts'
import { INVARIANTS } from './invariants.ts'
import { MUTANTS } from './mutants.ts'
import { replay, report } from './replay.ts'
import { describe } from './simulate.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seeds: { type: 'string' },
    first: { type: 'string' },
    seed: { type: 'string' },
    mutants: { type: 'boolean' },
  },
})

/** Runs seeds for a time and prints figures; or one seed, and what it did; or the mutants, and how soon each is found. */
async function main(): Promise<number> {
  if (values.seed !== undefined) {
    const one = await replay(wholeOf('seed', values.seed))
    console.log(report(one))
    return one.smallest ? 1 : 0
  }
  if (values.mutants) {
    let missed = 0
    for (const { name } of MUTANTS) {
      const caught = await hunt(name)
      console.log(rowOf(caught))
      if (!caught.invariant) missed += 1
    }
    return missed === 0 ? 0 : 1
  }
  const minutes = Number(values.minutes ?? (values.seeds === undefined ? 1 : Number.POSITIVE_INFINITY))
  const begun = Date.now()
  const first =
    values.first === undefined ? 1 + Math.floor(Math.random() * 2 ** 30) : wholeOf('first', values.first)
  const seeds = values.seeds === undefined ? 2 ** 30 : wholeOf('seeds', values.seeds)
  console.log(`Seeds from ${first} on, on all cores …`)
  let saidAt = begun
  const total = await runCampaign({
    first,
    seeds,
    until: begun + minutes * 60_000,
    onProgress(so) {
      if (Date.now() - saidAt < 10_000) return
      saidAt = Date.now()
      console.log(`  ${so.seeds} seeds, ${so.figures.deliveries + so.figures.forgeries} deliveries`)
    },
  })
  for (const line of table(total, Date.now() - begun)) console.log(line)
  const failed = total.failed[0]
  if (!failed) return 0
  console.log(`\n${describe(failed)}\n\nLooking for the least that does …\n`)
  console.log(report(await replay(failed.plan.seed)))
  return 1
}

function wholeOf(name: string, text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  console.error(`--${name} must be a whole number from 0 up, not ${JSON.stringify(text)}.`)
  process.exit(2)
}

function table({ seeds, figures, faults, failed }: Total, ms: number): string[] {
  const perMinute = ((figures.deliveries + figures.forgeries) / ms) * 60_000
  const row = (name: string, value: number | string) =>
    `  ${name.padEnd(34)} ${(typeof value === 'number' ? Math.round(value).toLocaleString('en') : value).padStart(16)}`
  return [
    '',
    row('seeds', seeds),
    row('virtual days', figures.virtualMs / 86_400_000),
    row('deliveries of Box', figures.deliveries),
    row('forgeries and replays', figures.forgeries),
    row('deliveries a minute', perMinute),
    row('events', figures.events),
    row('attempts at runs', figures.attempts),
    row('effects on Box', figures.effects),
    row('of these again, inside the window', figures.repeats),
    row('dead letters', figures.deadLetters),
    row('log lines searched for secrets', figures.logLines),
    row(`checks of ${Object.keys(INVARIANTS).length} invariants`, figures.checks),
    row('seeds that break one', failed.length),
    '',
    '  faults',
    ...Object.entries(faults)
      .sort(([, one], [, other]) => other - one)
      .map(([kind, count]) => row(`  ${kind}`, count)),
  ]
}

process.exit(await main())
