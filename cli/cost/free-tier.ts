import type { Amount, QuantityName, Usage } from './quantities.ts'

/**
 * What AWS gives every account each month without end, shared by all that the account has. What is free for the first
 * year or from credits is left out.
 * @see https://aws.amazon.com/free/
 */
const ALLOWANCES: readonly { readonly of: readonly QuantityName[]; readonly free: number }[] = [
  { of: ['ingestInvocations', 'automateInvocations', 'reconcileInvocations'], free: 1_000_000 },
  { of: ['ingestGbSeconds', 'automateGbSeconds', 'reconcileGbSeconds'], free: 400_000 },
  { of: ['idlePolls', 'queueRequests'], free: 1_000_000 },
  { of: ['tableGb'], free: 25 },
  { of: ['logGb', 'logStoredGb'], free: 5 },
  { of: ['alarms'], free: 10 },
  { of: ['metrics'], free: 10 },
  { of: ['dashboards'], free: 3 },
]

/** What is left to pay for once the free tier is used up, in an account that has nothing else. */
export function beyondFreeTier(usage: Usage): Usage {
  const left: Record<QuantityName, Amount> = { ...usage }
  for (const { of, free } of ALLOWANCES) {
    let allowance = free
    const take = (amount: number): number => {
      const taken = Math.min(amount, allowance)
      allowance -= taken
      return amount - taken
    }
    for (const name of of) {
      const { fixed, forEvents } = left[name]
      left[name] = { fixed: take(fixed), forEvents: take(forEvents) }
    }
  }
  return left
}
