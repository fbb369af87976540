import { isObject } from '../../lib/json.ts'
import { CommandError } from '../terminal/command-error.ts'

/** What AWS has a price for, each with what it is for. All in US dollars, before tax, at the first paid tier. */
export const PRICES = {
  httpApiMillion: 'API Gateway, a million requests to an HTTP API, of 512 KB each',
  lambdaMillion: 'Lambda, a million invocations',
  lambdaGbSecond: 'Lambda on arm64, a gigabyte of memory for a second',
  sqsMillion: 'SQS, a million requests to a standard queue, of 64 KB each',
  writeUnitMillion: 'DynamoDB on demand, a million write units of 1 KB',
  readUnitMillion: 'DynamoDB on demand, a million read units of 4 KB',
  tableGbMonth: 'DynamoDB, a gigabyte in a table of the class Standard for a month',
  backupGbMonth: 'DynamoDB, a gigabyte with point-in-time recovery for a month',
  logGb: 'CloudWatch Logs, a gigabyte taken in',
  logGbMonth: 'CloudWatch Logs, a gigabyte kept for a month, as compressed',
  secretMonth: 'Secrets Manager, a secret for a month',
  secretReadMillion: 'Secrets Manager, a million requests',
  alarmMonth: 'CloudWatch, an alarm for a month',
  metricMonth: 'CloudWatch, a metric of one’s own for a month',
  dashboardMonth: 'CloudWatch, a dashboard for a month',
} as const

export type PriceName = keyof typeof PRICES
const NAMES = Object.keys(PRICES).filter((name): name is PriceName => Object.hasOwn(PRICES, name))

/**
 * Where a price was found: in the region's own price list, on a page of AWS's that names no region, or quoted by others.
 * Only the first is certain.
 */
export type PriceOrigin = 'list' | 'page' | 'quoted'

export type Price = {
  readonly usd: number
  readonly from: PriceOrigin
  readonly url: string
  /** The day of the source, YYYY-MM-DD. */
  readonly date: string
}

export type RegionPrices = Readonly<Record<PriceName, Price>>

export type PriceTable = {
  /** The day on which the table was put together, YYYY-MM-DD. */
  readonly collected: string
  readonly regions: Readonly<Record<string, RegionPrices>>
}

/** A table of prices can't be used, or does not have what is needed; the message says what to do. */
export class PricesUnusable extends CommandError {
  override readonly name = 'PricesUnusable'
}

/**
 * Reads a table of prices, each with its source.
 * @param json the text of a file such as prices.json
 * @param file what the file is called in messages
 * @throws PricesUnusable that names what is missing or wrong
 */
export function parsePrices(json: string, file: string): PriceTable {
  const fail = (problem: string): never => {
    throw new PricesUnusable(
      `${file} is no table of prices: ${problem} Write one like cli/cost/prices.json; docs/cost.md says how.`,
    )
  }
  const table = parse(json)
  if (!isObject(table)) return fail('it is no JSON object.')
  const { collected, currency, regions } = table
  if (!isDate(collected)) return fail('"collected" is no date such as 2026-11-25.')
  if (currency !== 'USD') return fail('"currency" is not "USD".')
  if (!isObject(regions) || Object.keys(regions).length === 0) return fail('"regions" names no region.')
  const entries = Object.entries(regions).map(
    ([region, raw]) => [region, regionOf(raw, problem => fail(`${region}: ${problem}`))] as const,
  )
  return { collected, regions: Object.fromEntries(entries) }
}

function regionOf(raw: unknown, fail: (problem: string) => never): RegionPrices {
  if (!isObject(raw) || !isObject(raw.prices) || !isObject(raw.sources))
    return fail('it has not both "prices" and "sources".')
  const { prices, sources } = raw
  const unknown = Object.keys(prices).filter(name => !Object.hasOwn(PRICES, name))
  if (unknown.length > 0) return fail(`nothing has the price ${unknown.join(', ')}.`)
  const read = (name: PriceName): Price => {
    const price = prices[name]
    if (!isObject(price)) return fail(`${name} is missing (${PRICES[name]}).`)
    const { usd, source } = price
    if (typeof usd !== 'number' || !Number.isFinite(usd) || usd < 0)
      return fail(`${name} is no amount in dollars.`)
    return { usd, ...sourceOf(sources[String(source)], name, fail) }
  }
  const found = NAMES.map(name => [name, read(name)] as const)
  return requireAll(Object.fromEntries(found), fail)
}

function sourceOf(
  raw: unknown,
  name: PriceName,
  fail: (problem: string) => never,
): Pick<Price, 'from' | 'url' | 'date'> {
  if (!isObject(raw)) return fail(`the source of ${name} is not among "sources".`)
  const { url, date, from } = raw
  if (typeof url !== 'string' || !URL.canParse(url)) return fail(`the source of ${name} has no "url".`)
  if (!isDate(date)) return fail(`the source of ${name} has no "date" such as 2026-11-25.`)
  if (from !== 'list' && from !== 'page' && from !== 'quoted')
    return fail(`the source of ${name} has no "from": "list", "page" or "quoted".`)
  return { url, date, from }
}

const requireAll = (
  prices: Readonly<Partial<Record<PriceName, Price>>>,
  fail: (problem: string) => never,
): RegionPrices => (isWhole(prices) ? prices : fail('a price is missing.'))

const isWhole = (prices: Readonly<Partial<Record<PriceName, Price>>>): prices is RegionPrices =>
  NAMES.every(name => prices[name] !== undefined)

/**
 * Finds a region's prices.
 * @throws PricesUnusable where the table does not have the region
 */
export function pricesOf({ regions }: PriceTable, region: string): RegionPrices {
  const prices = Object.hasOwn(regions, region) ? regions[region] : undefined
  if (prices) return prices
  throw new PricesUnusable(
    `There are no prices for ${region} here, and none are guessed; there are for ${Object.keys(regions).join(', ')}. Name one of those with --region, or give a table of your own with --prices FILE; docs/cost.md says how to make one from AWS's price list.`,
  )
}

const isDate = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value))

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
