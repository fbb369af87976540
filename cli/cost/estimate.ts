import type { RegionPrices } from './prices.ts'
import {
  type Amount,
  COMPONENTS,
  type Component,
  QUANTITIES,
  QUANTITY_NAMES,
  type QuantityName,
  type Usage,
} from './quantities.ts'

/** What one thing costs in a month, in US dollars. */
export type CostLine = {
  readonly quantity: QuantityName
  readonly what: string
  readonly amount: Amount
  readonly fixedUsd: number
  readonly eventsUsd: number
}

type ComponentCost = {
  readonly component: Component
  readonly lines: readonly CostLine[]
  readonly fixedUsd: number
  readonly eventsUsd: number
}

export type Estimate = {
  readonly components: readonly ComponentCost[]
  readonly fixedUsd: number
  readonly eventsUsd: number
  readonly totalUsd: number
  /** What a million events cost beside what is fixed; 0 where there are none. */
  readonly perMillionUsd: number
}

/**
 * Prices what a stage uses in a month. Nothing is rounded: AWS adds parts of cents up as well.
 * @param events how many events that is
 */
export function estimate(usage: Usage, prices: RegionPrices, events: number): Estimate {
  const components = COMPONENTS.map(component => {
    const names = QUANTITY_NAMES.filter(name => QUANTITIES[name].component === component)
    const lines = names.map(name => lineOf(name, usage[name], prices))
    return { component, lines, ...totals(lines) }
  })
  const { fixedUsd, eventsUsd } = totals(components)
  return {
    components,
    fixedUsd,
    eventsUsd,
    totalUsd: fixedUsd + eventsUsd,
    perMillionUsd: events === 0 ? 0 : (eventsUsd / events) * 1_000_000,
  }
}

function lineOf(name: QuantityName, amount: Amount, prices: RegionPrices): CostLine {
  const { what, price, per } = QUANTITIES[name]
  const usd = prices[price].usd / per
  return {
    quantity: name,
    what,
    amount,
    fixedUsd: amount.fixed * usd,
    eventsUsd: amount.forEvents * usd,
  }
}

type Costs = { readonly fixedUsd: number; readonly eventsUsd: number }

const totals = (costs: readonly Costs[]): Costs => ({
  fixedUsd: costs.reduce((sum, one) => sum + one.fixedUsd, 0),
  eventsUsd: costs.reduce((sum, one) => sum + one.eventsUsd, 0),
})
