import type { EventRecord } from '../../lib/ledger/record.ts'

/** Events of several sources, each the newest first, as one. */
export async function* mergeNewestFirst(
  sources: readonly AsyncIterable<EventRecord>[],
): AsyncGenerator<EventRecord> {
  const iterators = sources.map(source => source[Symbol.asyncIterator]())
  const heads = await Promise.all(iterators.map(iterator => iterator.next()))
  for (;;) {
    const newest = heads.reduce<number | undefined>((best, head, index) => {
      if (head.done) return best
      const rival = best === undefined ? undefined : heads[best]
      return rival && !rival.done && rival.value.receivedAt >= head.value.receivedAt ? best : index
    }, undefined)
    const head = newest === undefined ? undefined : heads[newest]
    const iterator = newest === undefined ? undefined : iterators[newest]
    if (newest === undefined || !iterator || !head || head.done) return
    yield head.value
    heads[newest] = await iterator.next()
  }
}
