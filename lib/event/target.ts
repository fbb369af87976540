import type { Item, Target } from './event.ts'

/** The root folder, which stands for the whole account. Only a V1 webhook reaches it: Box sets no V2 webhook on it. */
export const ACCOUNT: Target = { type: 'folder', id: '0' }

/** A target, or another item, as the ledger keeps it: `folder:123`. */
export const targetText = ({ type, id }: Pick<Item, 'type' | 'id'>): string => `${type}:${id}`

/** Reads what {@link targetText} wrote; undefined where it did not. */
export function parseTarget(text: string): Target | undefined {
  const [, type, id] = /^(file|folder):(.+)$/.exec(text) ?? []
  return id && (type === 'file' || type === 'folder') ? { type, id } : undefined
}
