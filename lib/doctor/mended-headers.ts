/** Box's headers, with what seems to have happened to them undone. */
export type Mended = {
  /** Lower-case names of Box's, one value each. */
  readonly headers: Readonly<Record<string, string>>
  /** Which header was found under which other name. */
  readonly renamed: readonly string[]
  /** The headers whose value came more than once. */
  readonly repeated: readonly string[]
}

/** All headers of a V2 delivery that a receiver reads. */
const NAMES = [
  'box-delivery-id',
  'box-delivery-timestamp',
  'box-signature-version',
  'box-signature-algorithm',
  'box-signature-primary',
  'box-signature-secondary',
] as const

/** Finds Box's headers under whatever name they came. Never throws. */
export function mendHeaders(given: Readonly<Record<string, string>>): Mended {
  const headers: Record<string, string> = {}
  const renamed: string[] = []
  const repeated: string[] = []
  for (const name of NAMES) {
    const own = Object.entries(given).filter(([one]) => one.toLowerCase() === name)
    const like =
      own.length > 0
        ? own
        : Object.entries(given)
            .filter(([one]) => isLike(one, name))
            .slice(0, 1)
    const [first] = like
    if (!first) continue
    if (own.length === 0) renamed.push(`${name} is here as ${first[0]}`)
    const values = like.flatMap(([, value]) => valuesOf(name, value))
    if (values.length > 1) repeated.push(name)
    headers[name] = new Set(values).size === 1 ? (values[0] ?? '') : values.join(',')
  }
  return { headers, renamed, repeated }
}

/** Box's name with other hyphens, in capitals or after a prefix: HTTP_BOX_SIGNATURE_PRIMARY, x-box-signature-primary. */
function isLike(given: string, name: string): boolean {
  if (given.length > 80) return false
  const plain = given.toLowerCase().replaceAll('_', '-')
  return plain === name || (plain.endsWith(`-${name}`) && !plain.includes('response'))
}

/** The same value again, after a comma, is one that was repeated; a single one may well have a comma in it. */
function valuesOf(name: string, value: string): string[] {
  const parts = value.split(',').map(part => part.trim())
  const isList = parts.length > 1 && (name !== 'box-delivery-timestamp' || new Set(parts).size === 1)
  return isList ? parts : [value]
}
