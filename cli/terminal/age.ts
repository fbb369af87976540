const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Parses an age such as `90s`, `30m`, `2h` or `3d`. @returns seconds; undefined where it is not an age */
export function parseAge(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,7})([smhd])$/.exec(text) ?? []
  const seconds = UNITS[unit]
  return count === undefined || seconds === undefined ? undefined : Number(count) * seconds
}

/** Formats an age in its largest whole unit. */
export function ageText(seconds: number): string {
  for (const [unit, size] of Object.entries(UNITS).reverse())
    if (seconds >= size) return `${Math.floor(seconds / size)}${unit}`
  return '0s'
}
