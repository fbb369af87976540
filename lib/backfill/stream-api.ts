import { text } from 'node:stream/consumers'
import type { Clock } from '../base/clock.ts'
import { parseObject } from '../base/json.ts'
import type { Box } from '../box/box.ts'
import { isBoxError } from '../box/box-error.ts'
import type { Item } from '../event/event.ts'
import { targetText } from '../event/target.ts'
import { parseStreamPage, STREAM_TYPES, type StreamName, type StreamPage } from './stream-event.ts'
import { type Folder, foldersAbove, type StreamSource } from './stream-source.ts'

type PageRequest = {
  readonly stream: StreamName
  readonly position: string | undefined
  /** Milliseconds since the epoch. */
  readonly since: number
  /** Milliseconds since the epoch. Box takes whole seconds, so a page can have events of the rest of the last one. */
  readonly until: number
  readonly types: readonly string[]
}

type Open = Readonly<Record<string, unknown>>

/** What a back-fill asks Box for. Whatever a call throws is a BoxError. */
export type StreamApi = {
  /** @throws StreamUnreadable */
  page(request: PageRequest): Promise<StreamPage>
  /** An item in the API's own form, from the trash as well; undefined where it is gone or hidden from the app. */
  item(item: Pick<Item, 'type' | 'id'>): Promise<Open | undefined>
}

/** How many events a page has at most. Box gives up to 500; a page is what is done again after a call was cut off. */
const PAGE_SIZE = 100

/**
 * Reads Box's event streams and items as they are on the wire, since events carry items so.
 * @param apiUrl https://api.box.com, or an emulated Box
 */
export function createStreamApi(box: Box, apiUrl: string): StreamApi {
  const get = async (path: string, params: Readonly<Record<string, string>> = {}): Promise<string> => {
    const url = `${apiUrl}/2.0${path}`
    const { content } = await box.makeRequest({
      url,
      method: 'GET',
      params: { ...params },
      responseFormat: 'json',
    })
    // The SDK's own reading of the answer rounds long numbers.
    return content ? text(content) : ''
  }
  const found = async (path: string): Promise<Open | undefined> => {
    try {
      return parseObject(await get(path))
    } catch (error) {
      if (isBoxError(error, 404) || isBoxError(error, 403)) return undefined
      throw error
    }
  }
  return {
    async page({ stream, position, since, until, types }) {
      const ranged = stream === 'enterprise'
      const filtered = stream !== 'user'
      return parseStreamPage(
        await get('/events', {
          stream_type: STREAM_TYPES[stream],
          limit: String(PAGE_SIZE),
          stream_position: position ?? '0',
          ...(filtered ? { event_type: types.join(',') } : {}),
          ...(ranged
            ? { created_after: boxTime(since), created_before: boxTime(Math.ceil(until / 1000) * 1000) }
            : {}),
        }),
      )
    },
    async item({ type, id }) {
      const path = `/${type}s/${id}`
      return (await found(path)) ?? (await found(`${path}/trash`))
    },
  }
}

/** A time as Box takes it: whole seconds, with an offset. */
const boxTime = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, '+00:00')

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
