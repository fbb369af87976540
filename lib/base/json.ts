/** Whether a value is an object of JSON: neither null nor a list. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads JSON that must be an object; undefined where it is something else, or no JSON. Never throws. */
export function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * Reads JSON that names things by numbers: under the keys given, a number becomes the text of its digits. The key
 * `__proto__` is left out. Never throws.
 * @returns undefined where it is not JSON, or nested too deeply to be walked through
 */
export function parseExact(json: string, keys: RegExp): unknown {
  try {
    return JSON.parse(json, (key, value: unknown, context?: { source?: string }) => {
      if (key === '__proto__') return undefined
      return typeof value === 'number' && keys.test(key) ? (context?.source ?? String(value)) : value
    })
  } catch {
    return undefined
  }
}

/** Makes a value of JSON unchangeable, down to its last field, whatever types promised already. Takes time only once. */
export function freezeDeep<T>(value: T): T {
  const left: unknown[] = [value]
  while (left.length > 0) {
    const one = left.pop()
    if (typeof one !== 'object' || one === null || Object.isFrozen(one)) continue
    Object.freeze(one)
    for (const inner of Object.values(one)) left.push(inner)
  }
  return value
}
