import { utf8 } from '../../lib/doctor/wire-json.ts'
import { type Capture, CaptureUnreadable, type Format } from './capture.ts'
import { parseCurl } from './capture-curl.ts'
import { type HttpRequest, parseHttp } from './capture-http.ts'
import { requestsIn } from './capture-json.ts'

export type ReadOptions = {
  /** Found out by looking, where it is absent. */
  readonly format?: Format | undefined
  /** Reads a file that a curl command names. */
  readonly readFile: (path: string) => Uint8Array
}

/**
 * Reads the requests of a capture.
 * @param given the capture's bytes as they lie in the file
 * @throws CaptureUnreadable, or what `readFile` throws
 */
export function readCaptures(given: Uint8Array, { format, readFile }: ReadOptions): readonly Capture[] {
  const bytes = plainBytes(given)
  if (format === 'curl' || (format === undefined && isCurl(bytes))) return [curlCapture(bytes, readFile)]
  if (format === 'http' || (format === undefined && !looksLikeJson(bytes))) {
    const request = parseHttp(bytes)
    if (request && (format === 'http' || isLikelyHttp(request))) return [{ ...request, format: 'http' }]
    if (format === 'http') throw new CaptureUnreadable(NO_HTTP)
  }
  const value = jsonIn(bytes)
  if (value === undefined) throw new CaptureUnreadable(looksLikeJson(bytes) ? BROKEN_JSON : UNKNOWN)
  const requests = requestsIn(value, format)
  if (requests.length === 0)
    throw new CaptureUnreadable(requestsIn(value).length > 0 ? NO_REQUEST : NO_HEADERS)
  return requests
}

/** Whoever wrote the command may not be who reads what it names. */
function curlCapture(bytes: Buffer, readFile: ReadOptions['readFile']): Capture {
  const notes: string[] = []
  const request = parseCurl(bytes, path => {
    notes.push(`The curl command names a file, which was read: ${path}`)
    return readFile(path)
  })
  return { ...request, format: 'curl', notes }
}

/** A line of a log can look like a header, so without a request's line one of the usual names must be there. */
const isLikelyHttp = ({ method, headers }: HttpRequest): boolean =>
  method !== undefined ||
  Object.keys(headers).some(name => /box[-_]|^(?:host|user-agent|content-|accept)/.test(name))

const NO_HTTP =
  'This is no HTTP request: it must begin with a line such as "POST /box/webhook HTTP/1.1" or with a header, and have an empty line before the body.'
const UNKNOWN =
  'No request can be found in this. It can be the text of an HTTP request, a HAR, a curl command, the event of a Lambda behind API Gateway as JSON, or a JSON object with headers and body.'
const BROKEN_JSON =
  'This begins like JSON and is none, perhaps because it is cut off, or printed by console.log. Log an event with JSON.stringify(event).'
const NO_REQUEST =
  'This has no request in the format that was asked for. Leave --format out to have it found.'
const NO_HEADERS =
  'This is JSON without a request’s headers, perhaps just the body of one. The signature stands in the headers: capture those, too.'

/** As UTF-8 without a byte-order mark, which editors and PowerShell put before what they save. */
function plainBytes(bytes: Uint8Array): Buffer {
  const [first, second, third] = bytes
  if (first === 0xff && second === 0xfe) return Buffer.from(new TextDecoder('utf-16le').decode(bytes))
  if (first === 0xfe && second === 0xff) return Buffer.from(new TextDecoder('utf-16be').decode(bytes))
  const marked = first === 0xef && second === 0xbb && third === 0xbf
  return Buffer.from(marked ? bytes.subarray(3) : bytes)
}

const head = (bytes: Buffer): string => bytes.toString('latin1', 0, 2000).trimStart()

const isCurl = (bytes: Buffer): boolean => /^(?:[$>%] ?)?curl(?:\.exe)?[\s^]/i.test(head(bytes))

const looksLikeJson = (bytes: Buffer): boolean => /^[{[]/.test(head(bytes))

/** The JSON that a capture is, or that stands behind the prefix of its line in a log. */
function jsonIn(bytes: Buffer): unknown {
  const text = utf8(bytes) ?? bytes.toString('latin1')
  const whole = parsed(text)
  if (whole !== undefined) return whole
  const start = text.indexOf('{')
  return start > 0 && start < 400 ? parsed(text.slice(start)) : undefined
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
