import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PRICES, PricesUnusable, parsePrices, pricesOf } from '../../../cli/cost/prices.ts'
import { ROOT } from '../../../infra/bundle.ts'

const json = readFileSync(join(ROOT, 'cli', 'cost', 'prices.json'), 'utf8')
const table = parsePrices(json, 'prices.json')

describe('the table of prices', () => {
  test('has five regions, each with every price, its source and its date', () => {
    const regions = Object.keys(table.regions)
    expect(regions.sort()).toEqual(['eu-central-1', 'eu-west-1', 'us-east-1', 'us-east-2', 'us-west-2'])
    for (const region of regions) {
      const prices = pricesOf(table, region)
      expect(Object.keys(prices).sort()).toEqual(Object.keys(PRICES).sort())
      for (const { url, date } of Object.values(prices)) {
        expect(url).toMatch(/^https:\/\/(aws\.amazon\.com|pricing\.us-east-1\.amazonaws\.com)\//)
        expect(date <= table.collected).toBe(true)
      }
    }
  })

  test('names the region’s own list for every price that its own list was seen for', () => {
    for (const [region, prices] of Object.entries(table.regions))
      for (const { url, from } of Object.values(prices))
        if (url.includes('/offers/'))
          expect([from, url]).toEqual(['list', expect.stringContaining(`/${region}/`)])
  })

  test('guesses no region that it does not have', () => {
    expect(() => pricesOf(table, 'sa-east-1')).toThrow(
      /^There are no prices for sa-east-1 here, and none are guessed; there are for .*--prices FILE/,
    )
    expect(() => pricesOf(table, 'constructor')).toThrow(PricesUnusable)
  })
})

describe('a table that can’t be used', () => {
  const changed = (change: (raw: ReturnType<typeof parse>) => void) => {
    const raw = parse()
    change(raw)
    return () => parsePrices(JSON.stringify(raw), 'mine.json')
  }
  const parse = (): {
    collected: unknown
    currency: unknown
    regions: Record<string, { prices: Record<string, unknown>; sources: Record<string, unknown> }>
  } => JSON.parse(json)
  const west = (raw: ReturnType<typeof parse>) => {
    const region = raw.regions['us-west-2']
    if (!region) throw new Error('us-west-2 is missing.')
    return region
  }

  test('is told what is wrong with it, and where', () => {
    expect(() => parsePrices('{', 'mine.json')).toThrow(
      'mine.json is no table of prices: it is no JSON object.',
    )
    expect(
      changed(raw => {
        raw.collected = 'today'
      }),
    ).toThrow('"collected" is no date')
    expect(
      changed(raw => {
        raw.currency = 'EUR'
      }),
    ).toThrow('"currency" is not "USD"')
    expect(
      changed(raw => {
        raw.regions = {}
      }),
    ).toThrow('"regions" names no region')
    expect(
      changed(raw => {
        delete west(raw).prices.sqsMillion
      }),
    ).toThrow('us-west-2: sqsMillion is missing (SQS, a million requests')
    expect(
      changed(raw => {
        west(raw).prices.sqsMillion = { usd: -1, source: 'sqs' }
      }),
    ).toThrow('us-west-2: sqsMillion is no amount')
    expect(
      changed(raw => {
        west(raw).prices.sqsBillion = { usd: 1, source: 'sqs' }
      }),
    ).toThrow('nothing has the price sqsBillion')
    expect(
      changed(raw => {
        delete west(raw).sources.sqs
      }),
    ).toThrow('the source of sqsMillion is not among')
    expect(
      changed(raw => {
        west(raw).sources.sqs = { url: 'x', date: '2026-01-01', from: 'list' }
      }),
    ).toThrow('has no "url"')
    expect(
      changed(raw => {
        west(raw).sources.sqs = { url: 'https://x.example', date: '2026-13-01', from: 'list' }
      }),
    ).toThrow('has no "date"')
    expect(
      changed(raw => {
        west(raw).sources.sqs = { url: 'https://x.example', date: '2026-01-01', from: 'hearsay' }
      }),
    ).toThrow('has no "from"')
  })

  test('is refused in these words only, whatever it holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), text => {
        expect(() => parsePrices(text, 'mine.json')).toThrow(PricesUnusable)
      }),
    )
  })
})
