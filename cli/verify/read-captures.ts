import { isObject } from '../../lib/base/json.ts'
import { parseTimestamp } from '../../lib/base/timestamp.ts'
import { deliveryFromGateway } from '../../lib/ingest/delivery.ts'
import { CommandError } from '../terminal/command-error.ts'
import { decodeUtf8 } from './box-json.ts'
import { type CapturedRequest, joinHeaders, parseHttp, parseTarget } from './capture-http.ts'

/** http: the text of a request. lambda: the event of API Gateway (1.0, 2.0) or a function URL. */
export const FORMATS = ['http', 'har', 'lambda'] as const

export type Format = (typeof FORMATS)[number]

export type Capture = CapturedRequest & {
  readonly format: Format
  /** Which of a HAR's requests it is, from 0 on. */
  readonly entry?: number
  /** When it was received, in milliseconds since the epoch; undefined where the capture does not have it. */
  readonly receivedAt?: number | undefined
}

/** Makes the error of what can't be judged at all; exit code 1 would say that a delivery is not valid. */
export const unusable = (message: string): CommandError => new CommandError(message, { exitCode: 2 })

/**
 * Reads the requests of a capture.
 * @param given the capture's bytes as they are in the file
 * @param format found out where it is undefined
 * @returns one or more
 * @throws CommandError
 */
export function readCaptures(given: Uint8Array, format?: Format): readonly Capture[] {
  const bytes = removeMark(given)
  const looksLikeJson = /^\s*[{[]/.test(bytes.toString('latin1', 0, 2000))
  if (format === 'http' || (format === undefined && !looksLikeJson)) {
    const request = parseHttp(bytes)
    if (request && (format === 'http' || isLikelyHttp(request))) return [{ ...request, format: 'http' }]
    if (format === 'http') throw unusable(NOT_HTTP)
  }
  const value = readJson(bytes)
  if (value === undefined) throw unusable(looksLikeJson ? BROKEN_JSON : UNKNOWN)
  const entries = object(object(value).log).entries
  if (format !== 'lambda' && Array.isArray(entries) && entries.length > 0)
    return entries.map((entry, index) => ({ ...readHarEntry(object(entry)), entry: index }))
  const event = object(value)
  if (format === 'har' || !(isObject(event.headers) || isObject(event.multiValueHeaders)))
    throw unusable(format === 'har' ? NOT_HAR : NO_HEADERS)
  return [readLambdaEvent(event)]
}

/** A line of a log can look like a header, so without a request's line there must be one of Box. */
const isLikelyHttp = ({ method, headers }: CapturedRequest): boolean =>
  method !== undefined || Object.keys(headers).some(name => name.startsWith('box-'))

const NOT_HTTP =
  'This is not an HTTP request. Begin it with a line such as "POST /box/webhook HTTP/1.1" or with a header, and put an empty line before the body.'
const NOT_HAR = 'This is not a HAR with requests. Leave --format out to have the format found.'
const UNKNOWN =
  'No request can be found in this. Give the text of an HTTP request, a HAR, or the event of a Lambda behind API Gateway as JSON.'
const BROKEN_JSON =
  'This begins like JSON and is not, perhaps because it is cut off or printed by console.log. Log an event with JSON.stringify(event).'
const NO_HEADERS =
  'This is JSON without a request’s headers, perhaps only the body of one. Capture the headers too: they have the signature.'

/** Returns UTF-8 without a byte-order mark, which editors and PowerShell put before what they save. */
function removeMark(bytes: Uint8Array): Buffer {
  const mark = Buffer.from(bytes.subarray(0, 3)).toString('hex')
  if (mark.startsWith('fffe')) return Buffer.from(new TextDecoder('utf-16le').decode(bytes))
  return Buffer.from(mark === 'efbbbf' ? bytes.subarray(3) : bytes)
}

/** Reads the JSON that a capture is, or that follows the prefix of its line in a log. */
function readJson(bytes: Buffer): unknown {
  const text = decodeUtf8(bytes) ?? bytes.toString('latin1')
  for (const start of new Set([0, text.slice(0, 400).indexOf('{')]))
    try {
      return JSON.parse(text.slice(Math.max(start, 0)))
    } catch {}
  return undefined
}

const object = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? value : {})
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** Reads a list of names and values; others are left out. */
const readPairs = (list: unknown): [name: string, value: string][] =>
  (Array.isArray(list) ? list : []).flatMap(one => {
    const { name, value } = object(one)
    return typeof name === 'string' && typeof value === 'string' ? [[name, value]] : []
  })

/** @see https://w3c.github.io/web-performance/specs/HAR/Overview.html */
function readHarEntry({ request, startedDateTime }: Readonly<Record<string, unknown>>): Capture {
  const { method, url, headers, postData } = object(request)
  const data = object(postData)
  const body = text(data.text) ?? new URLSearchParams(readPairs(data.params)).toString()
  return {
    format: 'har',
    method: text(method)?.toUpperCase() || undefined,
    ...parseTarget(text(url) ?? ''),
    headers: joinHeaders(readPairs(headers)),
    body: Buffer.from(body, data.encoding === 'base64' ? 'base64' : 'utf8'),
    receivedAt: parseTimestamp(text(startedDateTime) ?? ''),
    notes: [],
  }
}

/** Reads the event as ingest does; a body that the capture has parsed is written again. */
function readLambdaEvent(event: Readonly<Record<string, unknown>>): Capture {
  const isParsed = isObject(event.body)
  const given = isParsed ? { ...event, body: JSON.stringify(event.body), isBase64Encoded: false } : event
  const { method, path, query, headers, body } = deliveryFromGateway(given)
  const { timeEpoch, requestTimeEpoch } = object(event.requestContext)
  const receivedAt = timeEpoch ?? requestTimeEpoch
  return {
    format: 'lambda',
    method: method || undefined,
    path: path || undefined,
    query,
    headers: { ...headers },
    body,
    receivedAt: typeof receivedAt === 'number' && Number.isFinite(receivedAt) ? receivedAt : undefined,
    notes: isParsed ? ['The capture has the body parsed, so its bytes are written again here.'] : [],
  }
}
