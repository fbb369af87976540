/**
 * Finds the words most like a given one, best first. Upper and lower case are alike, and so are `.`, `_`, `-` and blanks.
 * @param max how many at most
 */
export function near(word: string, among: readonly string[], max = 3): string[] {
  const asked = plain(word).slice(0, 64)
  const found = among
    .map(one => ({ one, distance: nearness(asked, plain(one)) }))
    .filter(({ distance }) => distance <= Math.max(2, asked.length / 3))
    .sort((a, b) => a.distance - b.distance)
  // What is much further than the best is not what was meant.
  const furthest = (found[0]?.distance ?? 0) + 1
  return found
    .filter(({ distance }) => distance <= furthest)
    .slice(0, max)
    .map(({ one }) => one)
}

const plain = (word: string): string => word.toUpperCase().replace(/[._\s-]+/g, '.')

/** Measures how far a word is from a candidate. A part alone, such as UPLOADED, is nearly the whole. */
function nearness(asked: string, candidate: string): number {
  return candidate.split('.').includes(asked) ? 1 : editDistance(asked, candidate)
}

/** Counts the letters to insert, delete or replace to make one word the other. */
function editDistance(from: string, to: string): number {
  let before = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [row, letter] of [...from].entries()) {
    const distances = [row + 1]
    for (const [column, other] of [...to].entries()) {
      const exchanged = (before[column] ?? 0) + (letter === other ? 0 : 1)
      const added = (distances[column] ?? 0) + 1
      const left = (before[column + 1] ?? 0) + 1
      distances.push(Math.min(exchanged, added, left))
    }
    before = distances
  }
  return before.at(-1) ?? 0
}
