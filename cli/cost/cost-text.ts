import { count } from '../terminal/progress.ts'
import { table } from '../terminal/table.ts'
import type { CostLine, Estimate } from './estimate.ts'
import type { PriceName, RegionPrices } from './prices.ts'
import { PRICES } from './prices.ts'

export type Told = {
  readonly events: number
  readonly region: string
  /** What the amounts rest on, a sentence each. */
  readonly basis: readonly string[]
  readonly estimate: Estimate
  readonly prices: RegionPrices
  readonly details: boolean
}

/** Tells people what a month costs, by component. */
export function costText({ events, region, basis, estimate, prices, details }: Told): string {
  const { components, fixedUsd, eventsUsd, totalUsd, perMillionUsd } = estimate
  const rows = components.flatMap(({ component, lines, ...sums }) => [
    row(component, sums.fixedUsd, sums.eventsUsd),
    ...(details
      ? lines.filter(isPaid).map(line => row(`  ${lineText(line)}`, line.fixedUsd, line.eventsUsd))
      : []),
  ])
  const uncertain = Object.entries(prices).filter(([, { from }]) => from !== 'list')
  const dates = Object.values(prices).map(({ date }) => date)
  return [
    `${count(events)} ${events === 1 ? 'event' : 'events'} a month in ${region}:`,
    '',
    table([['COMPONENT', 'FIXED', 'FOR EVENTS', 'A MONTH'], ...rows, row('total', fixedUsd, eventsUsd)]),
    '',
    `${dollars(totalUsd)} a month, of which ${dollars(fixedUsd)} whatever happens.`,
    ...(events > 0 ? [`A million events: ${dollars(perMillionUsd)} beside what is fixed.`] : []),
    '',
    ...basis,
    `Prices in US dollars before tax, from sources of ${dates.reduce(min)} to ${dates.reduce(max)}; docs/cost.md names them.`,
    ...(uncertain.length > 0
      ? [
          `Not seen in the price list of ${region} itself: ${uncertain.map(([name]) => priceText(name)).join('; ')}.`,
        ]
      : []),
  ].join('\n')
}

const isPaid = ({ fixedUsd, eventsUsd }: CostLine): boolean => fixedUsd + eventsUsd > 0

const lineText = ({ what, amount }: CostLine): string => `${number(amount.fixed + amount.forEvents)} ${what}`

const row = (name: string, fixedUsd: number, eventsUsd: number): string[] => [
  name,
  dollars(fixedUsd),
  dollars(eventsUsd),
  dollars(fixedUsd + eventsUsd),
]

/** Dollars as people read them: cents, and of what is less than a cent so much that it is not nothing. */
function dollars(usd: number): string {
  if (usd === 0) return '$0'
  if (usd < 0.01)
    return `$${Number(usd.toPrecision(1)).toFixed(Math.min(6, 1 - Math.floor(Math.log10(usd))))}`
  return `$${usd.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`
}

const number = (amount: number): string =>
  amount.toLocaleString('en', { maximumFractionDigits: amount < 10 ? 3 : 0 })

const priceText = (name: string): string =>
  isPriceName(name) ? PRICES[name].split(', ').slice(0, 2).join(', ') : name

const isPriceName = (name: string): name is PriceName => Object.hasOwn(PRICES, name)

const min = (one: string, other: string): string => (one < other ? one : other)
const max = (one: string, other: string): string => (one > other ? one : other)
