import { describe, expect, test } from 'vitest'
import { type Capture, type Format, readCaptures } from '../../../cli/verify/read-captures.ts'

const all = (capture: string | Uint8Array, format?: Format): readonly Capture[] =>
  readCaptures(Buffer.from(capture), format)
function one(capture: string | Uint8Array, format?: Format) {
  const [first, ...more] = all(capture, format)
  if (!first || more.length > 0) throw new Error('There is not just one request.')
  return { ...first, body: Buffer.from(first.body).toString() }
}
const json = (value: unknown): string => JSON.stringify(value)

describe('the text of an HTTP request', () => {
  test('has a body of just content-length where an editor has put a line end after it', () => {
    const head = 'POST / HTTP/1.1\nContent-Length: 2\n\n'
    expect(one(`${head}{}\n`)).toMatchObject({ body: '{}', notes: [expect.stringContaining('line end')] })
    expect(one(`${head}{}\r\n`)).toMatchObject({ body: '{}' })
    expect(one(`${head}{}x`)).toMatchObject({ body: '{}x', notes: [] })
    expect(one(`${head}{`)).toMatchObject({ body: '{', notes: [] })
  })

  test('may repeat a header, lack its line, and have a query or a whole address', () => {
    const request = 'POST https://a.example/b?c=d HTTP/2\nhost: a\nx: 1\nX: 3\n\nbody'
    expect(one(request)).toMatchObject({ path: '/b', query: 'c=d', headers: { x: '1,3' }, body: 'body' })
    expect(one('POST /b?c=d\n\n')).toMatchObject({ path: '/b', query: 'c=d', headers: {}, body: '' })
    expect(one('box-delivery-id: 1\n\n{"a":1}')).toMatchObject({ method: undefined, body: '{"a":1}' })
  })

  test('may have any header where the format is given', () => {
    expect(() => one('a: b\n\n')).toThrow('No request can be found')
    expect(one('a: b\n\n', 'http')).toMatchObject({ headers: { a: 'b' } })
  })
})

describe('a HAR', () => {
  const har = (...requests: unknown[]) =>
    json({ log: { entries: requests.map(request => ({ request, startedDateTime: 'then' })) } })

  test('may have base64, or the fields of a form, for a body', () => {
    const url = 'https://example.com/'
    const base64 = { method: 'post', url, headers: [], postData: { text: 'e30=', encoding: 'base64' } }
    const params = [{ name: 'event_type', value: 'a b' }, { name: 'item_id' }]
    const requests = all(har(base64, { method: 'POST', url, headers: [], postData: { params } }))
    expect(requests.map(({ body }) => Buffer.from(body).toString())).toEqual(['{}', 'event_type=a+b'])
    expect(requests).toMatchObject([
      { entry: 0, method: 'POST', receivedAt: undefined },
      { entry: 1, method: 'POST' },
    ])
  })

  test('repeats a header, and may lack anything', () => {
    const headers = [{ name: 'A', value: '1' }, { name: 'a', value: '2' }, { name: 'b' }, null]
    expect(all(har({ headers }, null, 1))).toMatchObject([
      { headers: { a: '1,2' }, body: Buffer.alloc(0) },
      { headers: {}, method: undefined, query: '' },
      { headers: {} },
    ])
  })

  test('is not taken for anything else', () => {
    expect(() => all(har({ headers: [] }), 'lambda')).toThrow('JSON without a request’s headers')
    expect(() => all(json({ headers: {} }), 'har')).toThrow('This is not a HAR')
    expect(() => all(har(), 'har')).toThrow('This is not a HAR')
  })
})

describe('the event of a Lambda', () => {
  test('with a body that is parsed has it written again, with a note', () => {
    expect(one(json({ headers: { a: 'b' }, body: { a: [1] } }))).toMatchObject({
      body: '{"a":[1]}',
      notes: [expect.stringContaining('has the body parsed')],
    })
  })

  test('may come from a function URL, whose path has no stage', () => {
    const http = { method: 'POST', path: '/box/webhook' }
    const event = { version: '2.0', rawPath: '/box/webhook', rawQueryString: 'a=b', headers: { A: 'b' } }
    const requestContext = { http, stage: '$default', timeEpoch: 1_795_453_200_000 }
    expect(one(json({ ...event, requestContext, body: 'e30=', isBase64Encoded: true }))).toMatchObject({
      ...http,
      format: 'lambda',
      query: 'a=b',
      headers: { a: 'b' },
      body: '{}',
      receivedAt: 1_795_453_200_000,
    })
  })

  test('has no time where that is not a number', () => {
    for (const timeEpoch of ['soon', null, {}])
      expect(one(json({ headers: {}, requestContext: { timeEpoch } })).receivedAt).toBeUndefined()
  })
})

describe('what is not a capture', () => {
  test.each([
    ['', /No request can be found/],
    ['just text', /No request can be found/],
    ["curl 'https://example.com/' -H 'box-delivery-id: 1'", /No request can be found/],
    ['{"headers": {', /begins like JSON and is not/],
    ['{"type":"webhook_event"}', /perhaps only the body of one/],
    ['[]', /perhaps only the body of one/],
  ])('%j is refused with a reason', (capture, reason) => {
    expect(() => all(capture)).toThrow(reason)
  })

  test('is not HTTP either, where that is asked for', () => {
    expect(() => all('just text', 'http')).toThrow('This is not an HTTP request')
  })
})
