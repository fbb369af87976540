import type { Group } from './context.ts'
import { type Finding, pluralize, type Status } from './finding.ts'

/** A check and what it found. */
export type Examined = Finding & { readonly group: Group; readonly check: string; readonly ms: number }

/** As wide as the longest name of a check, for columns. */
const NAME_WIDTH = 17

const WORDS: Readonly<Record<Status, string>> = {
  ok: 'ok  ',
  warn: 'warn',
  fail: 'FAIL',
  unknown: '?   ',
  skipped: '-   ',
}

/** Formats what a check found, without characters that move a terminal's cursor: Box and AWS may send them. */
export function examinedText({ check, status, found, details = [], fix }: Examined): string {
  const lines = [
    `  ${WORDS[status]}  ${check.padEnd(NAME_WIDTH)}  ${plain(found)}`,
    ...details.map(line => `${INDENT}${plain(line)}`),
    ...(fix === undefined ? [] : [`${INDENT}Fix: ${plain(fix)}`]),
  ]
  return lines.join('\n')
}

const INDENT = ' '.repeat(NAME_WIDTH + 10)

const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').trim()

/** How many checks ended how. */
export type Counts = Readonly<Record<Status, number>>

export function countsOf(examined: readonly Pick<Examined, 'status'>[]): Counts {
  const counts = { ok: 0, warn: 0, fail: 0, unknown: 0, skipped: 0 }
  for (const { status } of examined) counts[status] += 1
  return counts
}

/** Formats the counts in a sentence. */
export function summaryText({ ok, warn, fail, unknown, skipped }: Counts): string {
  const parts = [
    ...(fail > 0 ? [pluralize(fail, 'failure')] : []),
    ...(warn > 0 ? [pluralize(warn, 'warning')] : []),
    ...(unknown > 0 ? [`${unknown} inconclusive`] : []),
    `${ok} ok`,
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ]
  return `${parts.join(', ')}.`
}
