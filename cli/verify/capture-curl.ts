import type { CapturedRequest } from '../../lib/doctor/patient.ts'
import { CaptureUnreadable } from './capture.ts'
import { targetOf } from './capture-http.ts'
import { cmdWords, shellWords } from './shell-words.ts'

type ReadFile = (path: string) => Uint8Array

/** What a curl command would send, as far as its options are read. */
type Draft = {
  method?: string
  url?: string
  get: boolean
  readonly headers: Map<string, string>
  readonly data: Buffer[]
}

/**
 * Reads a curl command as it is typed, or as browsers and tools copy it for a POSIX shell or for cmd.exe.
 * @param readFile reads a file that the command names with @
 * @throws CaptureUnreadable, or what `readFile` throws
 */
export function parseCurl(command: Buffer, readFile: ReadFile): CapturedRequest {
  // One character for each byte, so that no byte of the body is lost.
  const text = command
    .toString('latin1')
    .trim()
    .replace(/^[$>%] ?/, '')
  const words = FOR_CMD.test(text) ? cmdWords(text) : shellWords(text)
  if (!words)
    throw new CaptureUnreadable(
      'A quote of the curl command is not closed. Copy all of it; where it came through another shell, put it into a file.',
    )
  const [name = '', ...rest] = words
  if (!/^(?:.*[/\\])?curl(?:\.exe)?$/i.test(name))
    throw new CaptureUnreadable('This is no curl command: it must begin with curl.')
  return requestOf(drafted(rest, readFile))
}

/** The first quote, or the first line's end, has a caret before it. */
const FOR_CMD = /^[^'"\r\n]*\^["\r\n]/

function requestOf({ method, url = '', get, headers, data }: Draft): CapturedRequest {
  const body = Buffer.concat(data)
  const target = targetOf(URL.canParse(url) ? url : `http://${url}`)
  const implied = get || data.length === 0 ? 'GET' : 'POST'
  const query =
    get && body.length > 0 ? [target.query, body.toString()].filter(Boolean).join('&') : target.query
  return {
    ...(url === '' ? {} : target),
    query,
    method: method ?? implied,
    headers: Object.fromEntries(headers),
    body: get ? Buffer.alloc(0) : body,
  }
}

function drafted(words: readonly string[], readFile: ReadFile): Draft {
  const draft: Draft = { get: false, headers: new Map(), data: [] }
  const left = [...words]
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word.startsWith('--') && word.length > 2) longOption(word.slice(2), left, draft, readFile)
    else if (word.startsWith('-') && word.length > 1 && word !== '--')
      shortOptions(word, left, draft, readFile)
    else if (word !== '--') draft.url ??= word
  }
  return draft
}

function longOption(name: string, left: string[], draft: Draft, readFile: ReadFile): void {
  if (name === 'get') draft.get = true
  if (name === 'head') draft.method ??= 'HEAD'
  if (Object.hasOwn(READ, name)) READ[name]?.(left.shift() ?? '', draft, readFile)
  else if (VALUED.has(name)) left.shift()
}

function shortOptions(word: string, left: string[], draft: Draft, readFile: ReadFile): void {
  for (let at = 1; at < word.length; at += 1) {
    const letter = word[at] ?? ''
    if (letter === 'G') draft.get = true
    if (letter === 'I') draft.method ??= 'HEAD'
    const name = SHORT.get(letter)
    if (name === undefined) continue
    const joined = word.slice(at + 1)
    longOption(name, joined === '' ? left : [joined], draft, readFile)
    return
  }
}

type Option = (value: string, draft: Draft, readFile: ReadFile) => void

/** The options that decide what is sent. */
const READ: Readonly<Record<string, Option>> = {
  url: (value, draft) => {
    draft.url ??= value
  },
  request: (value, draft) => {
    draft.method = value.toUpperCase()
  },
  header: (value, draft) => addHeader(value, draft),
  'user-agent': (value, draft) => addHeader(`user-agent: ${value}`, draft),
  data: (value, draft, readFile) => addData(draft, fileOr(value, readFile, true)),
  'data-ascii': (value, draft, readFile) => addData(draft, fileOr(value, readFile, true)),
  'data-binary': (value, draft, readFile) => addData(draft, fileOr(value, readFile, false)),
  'data-raw': (value, draft) => addData(draft, bytes(value)),
  'data-urlencode': (value, draft, readFile) => addData(draft, urlEncoded(value, readFile)),
  json: (value, draft, readFile) => void draft.data.push(fileOr(value, readFile, false)),
  form: () => {
    throw new CaptureUnreadable(
      'The curl command sends a multipart form (-F), and Box sends none. Capture the request that Box has sent.',
    )
  },
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ['X', 'request'],
  ['H', 'header'],
  ['A', 'user-agent'],
  ['d', 'data'],
  ['F', 'form'],
  ...[...'bcCDeEKmoPQrtTuUwxyYz'].map((letter): [string, string] => [letter, 'ignored']),
])

/** Further options with a value, which must not be taken for the address. */
const VALUED: ReadonlySet<string> = new Set([
  ...['ignored', 'cookie', 'cookie-jar', 'continue-at', 'dump-header', 'referer', 'cert', 'key', 'cacert'],
  ...[
    'capath',
    'config',
    'max-time',
    'connect-timeout',
    'output',
    'write-out',
    'user',
    'proxy',
    'proxy-user',
  ],
  ...[
    'resolve',
    'connect-to',
    'retry',
    'retry-delay',
    'retry-max-time',
    'interface',
    'max-redirs',
    'limit-rate',
  ],
  ...[
    'ciphers',
    'tls-max',
    'unix-socket',
    'range',
    'upload-file',
    'noproxy',
    'dns-servers',
    'trace',
    'stderr',
  ],
])

const bytes = (value: string): Buffer => Buffer.from(value, 'latin1')

function addHeader(line: string, { headers }: Draft): void {
  const [, name = '', value = ''] = /^([^:;]{1,256})[:;](.*)$/s.exec(line) ?? []
  const key = name.trim().toLowerCase()
  if (key === '') return
  const before = headers.get(key)
  headers.set(key, before === undefined ? value.trim() : `${before},${value.trim()}`)
}

/** Several pieces of data are joined as those of a form. */
function addData({ data }: Draft, piece: Buffer): void {
  if (data.length > 0) data.push(Buffer.from('&'))
  data.push(piece)
}

/** @see https://curl.se/docs/manpage.html#-d */
function fileOr(value: string, readFile: ReadFile, asText: boolean): Buffer {
  if (!value.startsWith('@')) return bytes(value)
  const content = Buffer.from(readFile(Buffer.from(value.slice(1), 'latin1').toString()))
  return asText ? bytes(content.toString('latin1').replace(/[\r\n\0]/g, '')) : content
}

/** @see https://curl.se/docs/manpage.html#--data-urlencode */
function urlEncoded(value: string, readFile: ReadFile): Buffer {
  const [, name = '', mark = '', rest = value] = /^([^=@]*)([=@])(.*)$/s.exec(value) ?? []
  const content = mark === '@' ? Buffer.from(readFile(rest)).toString('latin1') : rest
  const encoded = encodeURIComponent(bytes(content).toString())
  return bytes(name ? `${name}=${encoded}` : encoded)
}
