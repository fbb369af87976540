/**
 * JSON as Box writes it: no white space between tokens, `/` as `\/`, everything that is not ASCII as `\uXXXX` in lower
 * case. Nothing but the bytes so written is what was signed.
 */

/** How a JSON text is written otherwise than Box writes it. */
export type JsonStyle = {
  /** Characters of white space between tokens. */
  readonly spaces: number
  readonly lineEnds: number
  /** Slashes without a backslash before them. */
  readonly slashes: number
  /** Characters that are not ASCII and stand as themselves, in UTF-16 units. */
  readonly characters: number
  /** Whether every object of two or more fields has them in alphabetical order, and there are at least two such objects. */
  readonly sorted: boolean
}

export type WireJson = {
  readonly style: JsonStyle
  /** The same JSON in Box's form, and in the forms that come near it; the first is Box's. */
  readonly forms: readonly Buffer[]
}

/**
 * Writes a JSON text anew without reading its values: numbers, repeated names and the order of fields stay as they are.
 * @returns undefined where the bytes are no JSON in UTF-8. Never throws.
 */
export function wireJson(body: Uint8Array): WireJson | undefined {
  const text = utf8(body)
  if (text === undefined || !isJson(text)) return undefined
  const { compact, spaces, lineEnds } = compacted(text)
  const slashed = compact.replaceAll('/', '\\/')
  const forms = [escaped(slashed, BEYOND_ASCII), escaped(slashed, DELETE_TOO), slashed]
  const plain = [escaped(compact, BEYOND_ASCII), escaped(compact, DELETE_TOO), compact]
  return {
    style: {
      spaces,
      lineEnds,
      slashes: count(text, '/') - count(text, '\\/'),
      characters: text.replace(/[\0-\x7f]+/g, '').length,
      sorted: isSorted(text),
    },
    forms: distinct([...forms, ...plain]).map(form => Buffer.from(form)),
  }
}

/** Whether a body is just as Box writes JSON. */
export function isWireJson(body: Uint8Array): boolean {
  const json = wireJson(body)
  return json?.forms.slice(0, 2).some(form => form.equals(body)) ?? false
}

/** @returns undefined where bytes are no UTF-8 */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Where the first JSON object or list of a text ends, and what is left open. */
export type JsonEnd = {
  /** The index after the bracket that closes it; undefined where nothing does. */
  readonly end?: number
  /** What would close all that is open, where the text ends between two tokens or within a string. */
  readonly closers?: string
}

/** Looks for the end of a JSON object or list by its brackets alone. Never throws. */
export function jsonEnd(text: string): JsonEnd {
  const open: string[] = []
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]
    if (char === '"') {
      const after = afterString(text, at)
      if (after > text.length) return { closers: `"${open.toReversed().join('')}` }
      at = after - 1
    } else if (char === '{') open.push('}')
    else if (char === '[') open.push(']')
    else if (char === '}' || char === ']') {
      if (open.pop() !== char) return {}
      if (open.length === 0) return { end: at + 1 }
    }
  }
  return open.length > 0 ? { closers: open.toReversed().join('') } : {}
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Leaves out the white space between tokens, and writes each string with as few escapes as JSON allows. */
function compacted(text: string): { compact: string; spaces: number; lineEnds: number } {
  const parts: string[] = []
  let spaces = 0
  let lineEnds = 0
  let from = 0
  const until = (at: number) => {
    if (at > from) parts.push(text.slice(from, at))
  }
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? ''
    if (char === '"') {
      until(at)
      from = afterString(text, at)
      parts.push(rewritten(text.slice(at, from)))
      at = from - 1
    } else if (char === ' ' || char === '\n' || char === '\r' || char === '\t') {
      until(at)
      from = at + 1
      spaces += 1
      if (char === '\n') lineEnds += 1
    }
  }
  until(text.length)
  return { compact: parts.join(''), spaces, lineEnds }
}

const rewritten = (literal: string): string =>
  literal.includes('\\') ? JSON.stringify(JSON.parse(literal)) : literal

/** The index after the quote that ends a string; beyond the text's end where nothing ends it. */
function afterString(text: string, start: number): number {
  let at = start + 1
  for (;;) {
    const quote = text.indexOf('"', at)
    if (quote < 0) return text.length + 1
    let backslashes = 0
    while (text[quote - 1 - backslashes] === '\\') backslashes += 1
    if (backslashes % 2 === 0) return quote + 1
    at = quote + 1
  }
}

const BEYOND_ASCII = /[\u0080-\uffff]/g
const DELETE_TOO = /[\u007f-\uffff]/g

const escaped = (text: string, which: RegExp): string =>
  text.replace(which, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

const count = (text: string, part: string): number => text.split(part).length - 1

const distinct = <T>(list: readonly T[]): T[] => [...new Set(list)]

function isSorted(text: string): boolean {
  let objects = 0
  let sorted = true
  JSON.parse(text, (_, value: unknown) => {
    const names =
      typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : []
    if (names.length < 2) return value
    objects += 1
    sorted &&= names.every((name, index) => index === 0 || (names[index - 1] ?? '') <= name)
    return value
  })
  return sorted && objects >= 2
}
