import { expect, test } from 'vitest'
import { behindToken } from '../../../local/runtime/behind-token.ts'

const TOKEN = 'a-token-of-24-random-bytes'
const PAGE = 'http://localhost:4401'

const app = behindToken(TOKEN, async request => new Response(new URL(request.url).pathname))
const ask = async (url: string, headers: Record<string, string> = {}, method = 'GET') =>
  app(new Request(url, { method, headers }))

test('the printed address opens the page: it gives the browser a cookie, and the token leaves the address', async () => {
  const opened = await ask(`${PAGE}/?view=queue&token=${TOKEN}`)
  expect([opened.status, opened.headers.get('location')]).toEqual([303, '/?view=queue'])
  const cookie = opened.headers.get('set-cookie') ?? ''
  expect(cookie).toBe(`boxhooks-4401=${TOKEN}; HttpOnly; SameSite=Strict; Path=/`)
  const [pair = ''] = cookie.split(';')
  const shown = await ask(`${PAGE}/_local/events`, { cookie: `theme=dark; ${pair}` })
  expect([shown.status, await shown.text()]).toEqual([200, '/_local/events'])
})

test.each([
  ['nothing', '/', {}],
  ['another token', '/?token=a-token-of-24-random-bytez', {}],
  ['an empty token', '/?token=', {}],
  ['the beginning of the token', '/?token=a-token', {}],
  ['an empty cookie', '/', { cookie: 'boxhooks-4401=' }],
  ['the cookie of the page on another port', '/', { cookie: `boxhooks-4402=${TOKEN}` }],
  ['a cookie whose name only ends in ours', '/', { cookie: `xboxhooks-4401=${TOKEN}` }],
])('who brings %s reads nothing, and is told what to open', async (_, path, headers) => {
  const refused = await ask(`${PAGE}${path}`, headers)
  expect([refused.status, refused.headers.get('set-cookie')]).toEqual([401, null])
  expect(await refused.text()).toContain('open the whole address that the command has printed')
})

test('only opening a page takes the token from an address: a form of another site can’t', async () => {
  expect((await ask(`${PAGE}/?token=${TOKEN}`, {}, 'POST')).status).toBe(401)
})
