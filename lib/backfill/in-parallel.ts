/**
 * Does something to each of many, a few at a time.
 * @returns the results in the order of what was given
 * @throws what the first of them throws; those under way are waited for
 */
export async function inParallel<T, R>(
  all: readonly T[],
  atOnce: number,
  act: (one: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  let stopped = false
  const workers = Array.from({ length: Math.min(atOnce, all.length) }, async () => {
    while (!stopped && next < all.length) {
      const index = next
      next += 1
      const one = all[index]
      if (one === undefined) continue
      try {
        results[index] = await act(one)
      } catch (error) {
        stopped = true
        throw error
      }
    }
  })
  const ended = await Promise.allSettled(workers)
  for (const end of ended) if (end.status === 'rejected') throw end.reason
  return results
}
