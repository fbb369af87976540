import { describe, expect, test } from 'vitest'
import { type Capture, CaptureUnreadable, type Format } from '../../cli/verify/capture.ts'
import { readCaptures } from '../../cli/verify/read-captures.ts'

const FILES: Readonly<Record<string, string>> = { 'body.json': '{"a":\r\n1}\n' }
function readFile(path: string): Uint8Array {
  const content = FILES[path]
  if (content === undefined) throw new CaptureUnreadable(`There is no ${path}.`)
  return Buffer.from(content)
}
const all = (capture: string | Uint8Array, format?: Format): readonly Capture[] =>
  readCaptures(Buffer.from(capture), { format, readFile })
function one(capture: string | Uint8Array, format?: Format) {
  const [first, ...more] = all(capture, format)
  if (!first || more.length > 0) throw new Error('There is not just one request.')
  return { ...first, body: Buffer.from(first.body).toString() }
}
const json = (value: unknown): string => JSON.stringify(value)

describe('the text of an HTTP request', () => {
  test('has a body of just content-length, where an editor has put a line end behind it', () => {
    const head = 'POST / HTTP/1.1\nContent-Length: 2\n\n'
    expect(one(`${head}{}\n`)).toMatchObject({ body: '{}', notes: [expect.stringContaining('line end')] })
    expect(one(`${head}{}\r\n`)).toMatchObject({ body: '{}' })
    expect(one(`${head}{}x`)).toMatchObject({ body: '{}x', notes: [] })
    expect(one(`${head}{`)).toMatchObject({ body: '{', notes: [] })
  })

  test('has its chunks put together, where it says that it came in some', () => {
    const request = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n'
    expect(one(request)).toMatchObject({ body: '{}', notes: [expect.stringContaining('chunks')] })
  })

  test('may fold a header, repeat one, lack its line or the empty one, and have a query', () => {
    const request = 'POST https://a.example/b?c=d HTTP/2\nhost: a\nx: 1\n 2\nX: 3\n\nbody'
    expect(one(request)).toMatchObject({ path: '/b', query: 'c=d', headers: { x: '1 2,3' }, body: 'body' })
    expect(one('box-delivery-id: 1\n{"a":1}')).toMatchObject({ method: undefined, body: '{"a":1}' })
    expect(one(':method: POST\n:path: /p?q\nhost: a\n\n')).toMatchObject({
      method: 'POST',
      path: '/p',
      query: 'q',
    })
  })
})

describe('a HAR', () => {
  const har = (...requests: object[]) =>
    json({ log: { entries: requests.map(request => ({ request, startedDateTime: 'then' })) } })

  test('may have base64, or the fields of a form, for a body', () => {
    const url = 'https://example.com/'
    const base64 = { method: 'post', url, headers: [], postData: { text: 'e30=', encoding: 'base64' } }
    const params = [{ name: 'event_type', value: 'a b' }, { name: 'item_id' }]
    const requests = all(har(base64, { method: 'POST', url, headers: [], postData: { params } }))
    expect(requests.map(({ body }) => Buffer.from(body).toString())).toEqual([
      '{}',
      'event_type=a+b&item_id=',
    ])
    expect(requests).toMatchObject([
      { entry: 0, method: 'POST', receivedAt: undefined },
      { entry: 1, method: 'POST' },
    ])
  })

  test('is not taken for anything else', () => {
    expect(() => all(har({ headers: [] }), 'lambda')).toThrow('no request in the format that was asked for')
    expect(() => all(json({ headers: {} }), 'har')).toThrow('no request in the format that was asked for')
  })
})

describe('JSON', () => {
  test('with a body that is parsed is written anew, and that is told', () => {
    expect(one(json({ headers: { a: 'b' }, body: { a: [1] } }))).toMatchObject({
      body: '{"a":[1]}',
      parsed: true,
    })
    expect(one(json({ headers: {}, httpMethod: 'POST', body: { a: 1 } }))).toMatchObject({
      format: 'lambda',
      parsed: true,
    })
  })

  test('keeps the text beside what is said to be base64 and is none', () => {
    const event = { headers: {}, body: '{"a":1}', isBase64Encoded: true }
    const [capture] = all(json(event))
    expect(Buffer.from(capture?.undecoded ?? []).toString()).toBe('{"a":1}')
    expect(all(json({ ...event, body: 'eyJhIjoxfQ==' }))[0]?.undecoded).toBeUndefined()
  })

  test('may have headers in any form, requests in a list, and lie within something else', () => {
    const pairs = [
      [
        { name: 'A', value: '1' },
        { name: 'a', value: 2 },
      ],
      [
        ['A', '1'],
        ['a', '2'],
      ],
      ['A', '1', 'a', '2'],
    ]
    const requests = all(json({ data: pairs.map(headers => ({ headers, content: 'x' })) }))
    expect(requests.map(({ headers }) => headers)).toEqual(pairs.map(() => ({ a: '1,2' })))
    expect(requests.map(({ entry }) => entry)).toEqual([0, 1, 2])
    expect(one(json({ event: { request: { headers: { a: 'b' }, rawBody: 'x' } } }))).toMatchObject({
      body: 'x',
    })
  })

  test('is read as what is asked for', () => {
    const value = json({
      headers: { a: 'b' },
      body: 'e30=',
      isBase64Encoded: true,
      created_at: 1_800_000_000,
    })
    expect(one(value)).toMatchObject({ format: 'lambda', body: '{}', receivedAt: undefined })
    expect(one(value, 'json')).toMatchObject({ format: 'json', body: 'e30=', receivedAt: 1_800_000_000_000 })
    expect(one(json({ headers: {}, body: 'e30=' }), 'lambda')).toMatchObject({
      format: 'lambda',
      body: 'e30=',
    })
  })

  test('takes a time without a zone for UTC', () => {
    const times = [
      '2026-11-23 17:00:00',
      '2026-11-23T17:00:00',
      '2026-11-23T10:00:00-07:00',
      1_795_453_200_000,
    ]
    for (const time of times)
      expect(one(json({ headers: {}, time }))).toMatchObject({
        receivedAt: Date.parse('2026-11-23T17:00:00Z'),
      })
    for (const time of ['soon', -1, 1e300, null])
      expect(one(json({ headers: {}, time })).receivedAt).toBeUndefined()
  })
})

describe('a curl command', () => {
  test('sends data as curl does: joined, from files, encoded', () => {
    expect(one('curl -d a=1 --data-raw @b -d@body.json x')).toMatchObject({ body: 'a=1&@b&{"a":1}' })
    expect(one('curl --data-binary @body.json x')).toMatchObject({ body: FILES['body.json'] })
    expect(one("curl --json '{' --json '}' x")).toMatchObject({ body: '{}' })
    expect(one("curl --data-urlencode 'a=é b' --data-urlencode '=c&' x")).toMatchObject({
      body: 'a=%C3%A9%20b&c%26',
    })
  })

  test('has the method that its options make', () => {
    expect(one('curl -sSL x.example/p?q=1')).toMatchObject({
      method: 'GET',
      path: '/p',
      query: 'q=1',
      body: '',
    })
    expect(one('curl -Gd a=1 https://x/p?q')).toMatchObject({ method: 'GET', query: 'q&a=1', body: '' })
    expect(one('curl -XPUT -d a x')).toMatchObject({ method: 'PUT' })
    expect(one('curl -I x')).toMatchObject({ method: 'HEAD' })
    expect(one('$ curl.exe --request post --url x')).toMatchObject({ method: 'POST', path: '/' })
  })

  test('has its headers, and takes no option’s value for the address', () => {
    const command =
      "curl -u user:pass --max-time 5 -H 'A: 1' -H 'a:2' -H 'B;' -A agent -o out https://x.example/y ; rm x"
    expect(one(command)).toMatchObject({ path: '/y', headers: { a: '1,2', b: '', 'user-agent': 'agent' } })
  })

  test('is refused with a reason where it can’t be read', () => {
    expect(() => one('curl -F a=b x')).toThrow('multipart form')
    expect(() => one('curl -d @none x')).toThrow('There is no none.')
    expect(() => one('wget x', 'curl')).toThrow('must begin with curl')
    expect(() => one("curl 'x")).toThrow('not closed')
  })
})

describe('what is no capture', () => {
  test.each([
    ['', /No request can be found/],
    ['just text', /No request can be found/],
    ['{"headers": {', /begins like JSON and is none/],
    ['{"type":"webhook_event"}', /just the body of one/],
    ['[]', /just the body of one/],
  ])('%j is refused with a reason', (capture, told) => {
    expect(() => all(capture)).toThrow(told)
  })

  test('is no HTTP either, where that is asked for', () => {
    expect(() => all('just text', 'http')).toThrow('This is no HTTP request')
  })
})
