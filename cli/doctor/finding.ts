/** `unknown`: the check was inconclusive; `skipped`: it does not apply to this stage. */
export type Status = 'ok' | 'warn' | 'fail' | 'unknown' | 'skipped'

/** What a check found. */
export type Finding = {
  readonly status: Status
  /** In a sentence, with numbers. */
  readonly found: string
  /** Further lines, such as one for each item that is at fault. */
  readonly details?: readonly string[]
  /** What to do, as a command or a step; absent where nothing is. */
  readonly fix?: string
}

type More = Pick<Finding, 'details'>

export const ok = (found: string, more: More = {}): Finding => ({ status: 'ok', found, ...more })

export const warn = (found: string, fix: string, more: More = {}): Finding => ({
  status: 'warn',
  found,
  ...more,
  fix,
})

export const fail = (found: string, fix: string, more: More = {}): Finding => ({
  status: 'fail',
  found,
  ...more,
  fix,
})

export const unknown = (found: string, fix?: string): Finding => ({
  status: 'unknown',
  found,
  ...(fix === undefined ? {} : { fix }),
})

export const skipped = (found: string): Finding => ({ status: 'skipped', found })

/** Formats a number of things: `1 target`, `3 targets`. */
export const pluralize = (many: number, what: string): string =>
  `${many.toLocaleString('en')} ${what}${many === 1 ? '' : 's'}`

/** Formats seconds: `40 s`, `12 min`, `5 h`, `3 days`. */
export function spanText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}
