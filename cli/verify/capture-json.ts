import { isObject, parseObject } from '../../lib/base/json.ts'
import { parseTimestamp } from '../../lib/base/timestamp.ts'
import { deliveryFromGateway } from '../../lib/ingest/delivery.ts'
import type { Capture, Format } from './capture.ts'
import { targetOf } from './capture-http.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Finds the requests in JSON: a HAR's, an event of API Gateway, or any object that has headers, as tools export them.
 * @param as what they are, where that is not to be found out
 * @returns an empty list where there are none. Never throws.
 */
export function requestsIn(value: unknown, as?: Format): readonly Capture[] {
  const har = harEntries(value)
  if (har) return as === undefined || as === 'har' ? har.map(harRequest).map(numbered) : []
  if (as === 'har') return []
  const isGateway = (one: Json): boolean => (as === undefined ? isGatewayEvent(one) : as === 'lambda')
  const found = objectsWithHeaders(value).map(one =>
    isGateway(one) ? gatewayRequest(one) : otherRequest(one),
  )
  return found.length > 1 ? found.map(numbered) : found
}

const numbered = (capture: Capture, entry: number): Capture => ({ ...capture, entry })

const object = (value: unknown): Json => (isObject(value) ? value : {})
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** @see https://w3c.github.io/web-performance/specs/HAR/Overview.html */
function harEntries(value: unknown): readonly Json[] | undefined {
  const { log } = object(value)
  const { entries } = object(log)
  return Array.isArray(entries) ? entries.map(object) : undefined
}

function harRequest({ request, startedDateTime }: Json): Capture {
  const { method, url, headers, postData } = object(request)
  const data = object(postData)
  const pairs = list(data.params)
    .map(object)
    .map(({ name, value }): [string, string] => [text(name) ?? '', text(value) ?? ''])
  const form = text(data.text) ?? (pairs.length > 0 ? new URLSearchParams(pairs).toString() : '')
  const encoding = text(data.encoding) ?? text(data._encoding)
  return {
    format: 'har',
    ...methodOf(method),
    ...targetOf(text(url) ?? ''),
    headers: headersOf(headers),
    ...encodedBody(form, encoding === 'base64'),
    receivedAt: momentOf(startedDateTime),
    notes: [],
  }
}

/** How deep a request may lie in what a tool has put around it. */
const DEPTH_MAX = 5
const REQUESTS_MAX = 1000

function objectsWithHeaders(value: unknown): Json[] {
  const found: Json[] = []
  const look = (within: unknown, depth: number): void => {
    if (depth > DEPTH_MAX || found.length >= REQUESTS_MAX) return
    const inner = typeof within === 'string' && within.startsWith('{') ? parseObject(within) : within
    if (Array.isArray(inner)) for (const one of inner) look(one, depth + 1)
    if (!isObject(inner)) return
    if (HEADERS.some(name => isHeaders(inner[name]))) found.push(inner)
    else for (const one of Object.values(inner)) look(one, depth + 1)
  }
  look(value, 0)
  return found
}

const HEADERS = ['headers', 'multiValueHeaders', 'rawHeaders', 'request_headers'] as const
const isHeaders = (value: unknown): boolean => isObject(value) || (Array.isArray(value) && value.length > 0)

const isGatewayEvent = (one: Json): boolean =>
  ['requestContext', 'isBase64Encoded', 'rawPath', 'httpMethod', 'multiValueHeaders'].some(name =>
    Object.hasOwn(one, name),
  )

/** Reads the event just as ingest does. */
function gatewayRequest(event: Json): Capture {
  const { requestContext, body, isBase64Encoded } = event
  const { method, path, query, ...delivery } = deliveryFromGateway(event)
  const { timeEpoch, requestTimeEpoch } = object(requestContext)
  const told = text(body)
  const isBase64 = isBase64Encoded === true
  return {
    format: 'lambda',
    method: method || undefined,
    path: path || undefined,
    query,
    headers: delivery.headers,
    ...(told === undefined ? parsedBody(body) : encodedBody(told, isBase64)),
    receivedAt: momentOf(timeEpoch ?? requestTimeEpoch),
    notes: [],
  }
}

const BODIES = ['rawBody', 'raw_body', 'body', 'content', 'data', 'payload', 'text', 'postData'] as const
const TARGETS = ['originalUrl', 'url', 'path', 'uri', 'target'] as const
const MOMENTS = [
  'receivedAt',
  'received_at',
  'startedDateTime',
  'created_at',
  'timestamp',
  'time',
  'date',
] as const

function otherRequest(one: Json): Capture {
  const first = <N extends string>(names: readonly N[]): unknown =>
    one[names.find(name => one[name] !== undefined && one[name] !== null) ?? '']
  const target = targetOf(text(first(TARGETS)) ?? '')
  const query = isObject(one.query) ? new URLSearchParams(pairsOf(one.query)).toString() : text(one.query)
  const headers = headersOf(first(HEADERS))
  return {
    format: 'json',
    ...methodOf(one.method ?? one.httpMethod),
    ...target,
    query: target.query || (query ?? ''),
    headers,
    ...anyBody(first(BODIES), one.encoding === 'base64'),
    receivedAt: MOMENTS.map(name => momentOf(one[name])).find(moment => moment !== undefined),
    notes: [],
  }
}

const pairsOf = (query: Json): [string, string][] =>
  Object.entries(query).flatMap(([name, value]): [string, string][] =>
    (Array.isArray(value) ? value : [value]).map(one => [name, text(one) ?? '']),
  )

function methodOf(method: unknown): Pick<Capture, 'method'> {
  const told = text(method)?.toUpperCase()
  return told ? { method: told } : {}
}

/** By lower-case name; what is repeated is joined by a comma. From an object, or a list of pairs in any of their forms. */
function headersOf(value: unknown): Record<string, string> {
  const headers = new Map<string, string>()
  for (const [name, one] of headerPairs(value)) {
    const before = headers.get(name)
    headers.set(name, before === undefined ? one : `${before},${one}`)
  }
  return Object.fromEntries(headers)
}

function headerPairs(value: unknown): [string, string][] {
  if (isObject(value))
    return Object.entries(value).flatMap(([name, values]) =>
      (Array.isArray(values) ? values : [values]).flatMap(one => pairOf(name, one)),
    )
  const entries = list(value)
  if (entries.every(one => typeof one === 'string'))
    return entries.flatMap((name, index) => (index % 2 === 0 ? pairOf(name, entries[index + 1]) : []))
  return entries.flatMap(one => {
    if (Array.isArray(one)) return pairOf(one[0], one[1])
    const { name, key, value: told } = object(one)
    return pairOf(name ?? key, told)
  })
}

function pairOf(name: unknown, value: unknown): [string, string][] {
  const told = typeof value === 'number' ? String(value) : text(value)
  return typeof name === 'string' && told !== undefined ? [[name.toLowerCase(), told]] : []
}

type Body = Pick<Capture, 'body' | 'undecoded' | 'parsed'>

function anyBody(value: unknown, isBase64: boolean): Body {
  const told = text(value)
  if (told !== undefined) return encodedBody(told, isBase64)
  const { type, data, text: inner, encoding } = object(value)
  // What JSON.stringify makes of a Buffer.
  if (type === 'Buffer' && Array.isArray(data)) return { body: Buffer.from(data.map(Number)) }
  if (typeof inner === 'string' && Object.hasOwn(object(value), 'mimeType'))
    return encodedBody(inner, encoding === 'base64')
  return parsedBody(value)
}

/** Text, or base64; where that is none, the text is kept beside it. */
function encodedBody(told: string, isBase64: boolean): Body {
  if (!isBase64) return { body: Buffer.from(told) }
  const body = Buffer.from(told, 'base64')
  const isSound = body.toString('base64').replaceAll('=', '') === told.replaceAll('=', '')
  return isSound ? { body } : { body, undecoded: Buffer.from(told) }
}

function parsedBody(value: unknown): Body {
  if (value === undefined || value === null) return { body: Buffer.alloc(0) }
  return { body: Buffer.from(JSON.stringify(value)), parsed: true }
}

/** Milliseconds since the epoch, of a number of seconds or milliseconds or a date-time; one without a zone is in UTC. */
function momentOf(value: unknown): number | undefined {
  if (typeof value === 'number' && value > 1e9 && value < 1e14) return value < 1e11 ? value * 1000 : value
  const told = text(value)
  if (told === undefined) return undefined
  return parseTimestamp(told) ?? parseTimestamp(`${told.replace(' ', 'T')}Z`)
}
