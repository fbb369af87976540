import { isObject } from '../base/json.ts'

/**
 * Reads what may be of a type; undefined where it is not. An object comes back without the fields that are not of
 * their types, so its type does not lie.
 */
export type Reader<T> = (value: unknown) => T | undefined

/** What a reader reads. */
export type ReadBy<R> = R extends Reader<infer T> ? T : never

type Open = Readonly<Record<string, unknown>>
type Fields = Readonly<Record<string, Reader<unknown>>>
type Shape<F extends Fields> = { readonly [K in keyof F]?: ReadBy<F[K]> }

export const text: Reader<string> = value => (typeof value === 'string' ? value : undefined)
export const number: Reader<number> = value => (typeof value === 'number' ? value : undefined)
export const boolean: Reader<boolean> = value => (typeof value === 'boolean' ? value : undefined)
export const open: Reader<Open> = value => (isObject(value) ? value : undefined)

/** Reads one of the words given, and nothing else. */
export const word =
  <const W extends string>(...words: readonly W[]): Reader<W> =>
  value =>
    words.find(one => one === value)

/** Reads any text; the words that are known serve an author's editor. */
export const words = <const W extends string>(..._known: readonly W[]): Reader<W | (string & {})> => text

export const nullable =
  <T>(reader: Reader<T>): Reader<T | null> =>
  value =>
    value === null ? null : reader(value)

/** Reads a list, without the values that are not of its type. */
export const list =
  <T>(reader: Reader<T>): Reader<readonly T[]> =>
  value =>
    Array.isArray(value) ? value.flatMap(one => reader(one) ?? []) : undefined

/** Reads an object. All its fields are optional, and those that are not named here stay as they are. */
export function object<F extends Fields>(fields: F): Reader<Shape<F>>
// TypeScript can't follow that what is left of an object has the shape that its fields were read by.
export function object(fields: Fields): Reader<Open> {
  const readers = Object.entries(fields)
  return value => {
    if (!isObject(value)) return undefined
    const read: Record<string, unknown> = { ...value }
    for (const [name, reader] of readers) {
      if (!Object.hasOwn(value, name)) continue
      const field = reader(value[name])
      if (field === undefined) delete read[name]
      else read[name] = field
    }
    return read
  }
}
