import type { Clock } from '../base/clock.ts'
import type { Item } from '../event/event.ts'
import { targetText } from '../event/target.ts'
import type { StreamApi } from './stream-api.ts'
import { type Folder, foldersAbove, type StreamSource } from './stream-source.ts'

type Open = Readonly<Record<string, unknown>>

/** Looks items up at Box, each once for a while. */
export type Items = {
  /** An item in the API's form; undefined where it is gone, or hidden from the app. */
  find(item: Pick<Item, 'type' | 'id'>): Promise<Open | undefined>
  /**
   * The folders that an item lay in when something happened to it, the root first; where the stream does not say, those it lies
   * in now.
   * @returns undefined where nobody knows
   */
  pathOf(source: StreamSource): Promise<readonly Folder[] | undefined>
}

/** How long what Box said of an item is believed, in milliseconds. */
const FRESH_MS = 600_000

/** How many items are remembered. */
const ITEMS_MAX = 5000

/** Keeps what Box says of items, so that a call that is repeated does not ask for them again. */
export function createItems(api: Pick<StreamApi, 'item'>, clock: Pick<Clock, 'now'>): Items {
  const known = new Map<string, { readonly item: Promise<Open | undefined>; readonly at: number }>()
  const find: Items['find'] = wanted => {
    const key = targetText(wanted)
    const kept = known.get(key)
    if (kept && clock.now() - kept.at < FRESH_MS) return kept.item
    const item = api.item(wanted)
    known.delete(key)
    known.set(key, { item, at: clock.now() })
    item.catch(() => known.delete(key))
    for (const oldest of known.keys()) {
      if (known.size <= ITEMS_MAX) break
      known.delete(oldest)
    }
    return item
  }
  return {
    find,
    async pathOf({ item, parent, path }) {
      if (path) return path
      if (parent) {
        if (parent.id === '0') return [parent]
        const folder = await find({ type: 'folder', id: parent.id })
        return folder && [...foldersAbove(folder), parent]
      }
      const found = await find(item)
      return found && foldersAbove(found)
    },
  }
}
