/** How JSON text differs from JSON as Box writes it. */
export type JsonStyle = {
  /** Characters of white space between tokens. */
  readonly spaces: number
  /** Slashes without a backslash before them. */
  readonly slashes: number
  /** Characters beyond ASCII that stand as themselves, in UTF-16 units. */
  readonly characters: number
}

type BoxJson = {
  readonly style: JsonStyle
  /** The same JSON as Box writes it: in the first two forms, and in those close to them. */
  readonly forms: readonly Buffer[]
}

/**
 * Writes JSON as Box does: no white space between tokens, `/` as `\/`, everything beyond ASCII as `\uXXXX` in lower case.
 * Numbers, repeated names and the order of fields stay as they are.
 * @returns undefined where the bytes are not JSON in UTF-8. Never throws.
 */
export function writeBoxJson(body: Uint8Array): BoxJson | undefined {
  const text = decodeUtf8(body) ?? ''
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  let spaces = 0
  const compact = text.replace(TOKEN, token => {
    if (token.startsWith('"')) return token.includes('\\') ? JSON.stringify(JSON.parse(token)) : token
    spaces += token.length
    return ''
  })
  const forms = [compact.replaceAll('/', '\\/'), compact].flatMap(form => [
    form.replace(BEYOND_ASCII, escapeUnit),
    form.replace(DELETE_AND_BEYOND, escapeUnit),
    form,
  ])
  const slashes = count(text, '/') - count(text, '\\/')
  const style = { spaces, slashes, characters: text.replace(/[\0-\x7f]+/g, '').length }
  return { style, forms: [...new Set(forms)].map(form => Buffer.from(form)) }
}

/** A string, or white space between tokens. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[ \t\r\n]+/g
const BEYOND_ASCII = /[\u0080-\uffff]/g
const DELETE_AND_BEYOND = /[\u007f-\uffff]/g

const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

const count = (text: string, part: string): number => text.split(part).length - 1

/** Decodes UTF-8, a byte-order mark included. @returns undefined where the bytes are not UTF-8 */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
