/** The middle of some numbers. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[middle - 1] ?? Number.NaN, sorted[middle] ?? Number.NaN]
  return sorted.length % 2 === 0 ? (low + high) / 2 : high
}

/** The number that so many of a hundred are not above. */
export function percentile(numbers: readonly number[], of: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((sorted.length * of) / 100) - 1)] ?? Number.NaN
}

export type Spread = { readonly min: number; readonly median: number; readonly max: number }

export const spread = (numbers: readonly number[]): Spread => ({
  min: Math.min(...numbers),
  median: median(numbers),
  max: Math.max(...numbers),
})
