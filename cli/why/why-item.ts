import type { TargetType } from '../../lib/event/event.ts'

/** A file or folder that somebody asks about; of an id alone nobody knows yet which it is. */
export type AskedItem = { readonly type: TargetType | undefined; readonly id: string }

/** Reads `123`, `file:123`, `folder:123`, or the address of a file or folder in Box's web app; undefined where it is none. */
export function parseItem(text: string): AskedItem | undefined {
  const [, prefix, id] = /^(?:(file|folder):)?(\d{1,32})$/.exec(text) ?? []
  if (id !== undefined) return { type: typeOf(prefix), id }
  const url = URL.parse(text)
  if (!url || !/(^|\.)box\.com$/.test(url.hostname)) return undefined
  const [, kind, number] = /^\/(file|folder)s?\/(\d{1,32})\/?$/.exec(url.pathname) ?? []
  return number === undefined ? undefined : { type: typeOf(kind), id: number }
}

const typeOf = (text: string | undefined): TargetType | undefined =>
  text === 'file' || text === 'folder' ? text : undefined

/** The keys of the ledger's index under which an item's events may be; an id alone may be a web link's as well. */
export const sourcesOf = ({ type, id }: AskedItem): readonly string[] =>
  type === undefined ? [`file:${id}`, `folder:${id}`, `web_link:${id}`] : [`${type}:${id}`]

export const itemText = ({ type, id }: AskedItem): string => (type === undefined ? id : `${type}:${id}`)
