/**
 * Splits a command into words as a POSIX shell does, with bash's $'…', up to the end of the first command. Nothing is
 * expanded.
 * @param command one character per byte
 * @returns undefined where a quote is not closed. Never throws.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02
 */
export function shellWords(command: string): string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let at = 0
  const end = (): void => {
    if (word !== undefined) words.push(word)
    word = undefined
  }
  while (at < command.length) {
    const char = command[at] ?? ''
    if (char === ' ' || char === '\t') {
      end()
      at += 1
      continue
    }
    if (END.has(char) || (char === '#' && word === undefined)) break
    const part = partAt(command, at)
    if (!part) return undefined
    if (part.text !== undefined) word = (word ?? '') + part.text
    at = part.next
  }
  end()
  return words
}

/** What ends a command. */
const END: ReadonlySet<string> = new Set(['\n', '\r', ';', '|', '&', '<', '>'])

/** What a word is made of, from one quote to the next; a line that goes on has no text. */
type Part = { readonly text?: string; readonly next: number }

function partAt(command: string, at: number): Part | undefined {
  const char = command[at]
  if (char === "'") return singleQuoted(command, at + 1)
  if (char === '"') return doubleQuoted(command, at + 1)
  if (char === '$' && command[at + 1] === "'") return ansiQuoted(command, at + 2)
  if (char === '$' && command[at + 1] === '"') return doubleQuoted(command, at + 2)
  if (char !== '\\') return { text: char ?? '', next: at + 1 }
  const lineEnd = lineEndAt(command, at + 1)
  if (lineEnd > 0) return { next: at + 1 + lineEnd }
  return { text: command[at + 1] ?? '\\', next: at + 2 }
}

const lineEndAt = (command: string, at: number): number =>
  command[at] === '\n' ? 1 : command.startsWith('\r\n', at) ? 2 : 0

function singleQuoted(command: string, from: number): Part | undefined {
  const end = command.indexOf("'", from)
  return end < 0 ? undefined : { text: command.slice(from, end), next: end + 1 }
}

function doubleQuoted(command: string, from: number): Part | undefined {
  const parts: string[] = []
  for (let at = from; at < command.length; at += 1) {
    const char = command[at] ?? ''
    if (char === '"') return { text: parts.join(''), next: at + 1 }
    const next = command[at + 1] ?? ''
    if (char !== '\\' || !'$`"\\\n'.includes(next) || next === '') parts.push(char)
    else {
      if (next !== '\n') parts.push(next)
      at += 1
    }
  }
  return undefined
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** @see https://www.gnu.org/software/bash/manual/html_node/ANSI_002dC-Quoting.html */
function ansiQuoted(command: string, from: number): Part | undefined {
  const parts: string[] = []
  let at = from
  while (at < command.length) {
    const char = command[at] ?? ''
    if (char === "'") return { text: parts.join(''), next: at + 1 }
    if (char !== '\\') {
      parts.push(char)
      at += 1
      continue
    }
    const { text, length } = escapeAt(command.slice(at + 1, at + 16))
    parts.push(text)
    at += 1 + length
  }
  return undefined
}

/** What a backslash and the characters behind it stand for, and how many of these belong to it. */
function escapeAt(rest: string): { readonly text: string; readonly length: number } {
  const pair = /^u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})/i.exec(rest)
  if (pair) return { text: bytesOf(String.fromCharCode(hex(pair[1]), hex(pair[2]))), length: pair[0].length }
  const unicode = /^(?:u([0-9a-f]{1,4})|U([0-9a-f]{1,8}))/i.exec(rest)
  const code = hex(unicode?.[1] ?? unicode?.[2])
  if (unicode && code <= 0x10ffff)
    return { text: bytesOf(String.fromCodePoint(code)), length: unicode[0].length }
  const byte = /^x([0-9a-f]{1,2})/i.exec(rest)
  if (byte) return { text: String.fromCharCode(hex(byte[1])), length: byte[0].length }
  const octal = /^[0-7]{1,3}/.exec(rest)?.[0]
  if (octal) return { text: String.fromCharCode(Number.parseInt(octal, 8) & 0xff), length: octal.length }
  const char = rest[0] ?? '\\'
  const known = Object.hasOwn(ESCAPES, char) ? ESCAPES[char] : undefined
  return { text: known ?? (`'"\\?`.includes(char) ? char : `\\${char}`), length: 1 }
}

const hex = (digits: string | undefined): number => Number.parseInt(digits ?? '', 16)

/** The bytes of a text in UTF-8, one character for each. */
const bytesOf = (text: string): string => Buffer.from(text).toString('latin1')

/**
 * Splits a command for cmd.exe into words as browsers copy it: a caret before a character takes it as it is, and within a
 * word backslashes stand before quotes and backslashes.
 * @param command one character per byte
 * @returns undefined where a quote is not closed. Never throws.
 */
export function cmdWords(command: string): string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let quoted = false
  for (const [part] of withoutCarets(command).matchAll(/\\["\\]|[\s\S]/g)) {
    if (part === '"') quoted = !quoted
    if (!quoted && /^\s$/.test(part)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + (part === '"' ? '' : part.slice(-1))
  }
  if (word !== undefined) words.push(word)
  return quoted ? undefined : words
}

/** A caret before a line's end joins it with the next; before two, the second one counts. */
const withoutCarets = (command: string): string =>
  command.replace(/\^(?:\r?\n(\r?\n)?|([\s\S]))/g, (_, second = '', char = '') => second || char || ' ')
