/** Gives ids in their order, the same in every run: `file-1`, `file-2` and so on. */
export function countedIds(prefix: string): () => string {
  let count = 0
  return () => {
    count += 1
    return `${prefix}-${count}`
  }
}
