import { createHash, timingSafeEqual } from 'node:crypto'

type Fetch = (request: Request) => Response | Promise<Response>

const REFUSAL =
  'This needs the token of the command that serves it: open the whole address that the command has printed.'

/**
 * Lets only those through who hold a token, so that other users of this machine can't read along. The first request
 * brings it in its address (`?token=…`), and is sent on to the same address without it; those that follow bring it in a
 * cookie. Cookies don't tell ports apart, so the cookie is named by its port.
 * @param token in characters that a URL and a cookie carry as they are
 */
export const behindToken =
  (token: string, fetch: Fetch): Fetch =>
  request => {
    const url = new URL(request.url)
    const name = `boxhooks-${url.port || '80'}`
    if (isEqual(cookieIn(request.headers.get('cookie') ?? '', name), token)) return fetch(request)
    if (request.method !== 'GET' || !isEqual(url.searchParams.get('token') ?? '', token))
      return new Response(REFUSAL, { status: 401, headers: { 'cache-control': 'no-store' } })
    url.searchParams.delete('token')
    return new Response(null, {
      status: 303,
      headers: {
        location: `${url.pathname}${url.search}`,
        'set-cookie': `${name}=${token}; HttpOnly; SameSite=Strict; Path=/`,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
      },
    })
  }

function cookieIn(header: string, name: string): string {
  for (const pair of header.split(';')) {
    const [key = '', ...value] = pair.trim().split('=')
    if (key === name) return value.join('=')
  }
  return ''
}

/** Hashes have one length, so that the time tells nothing of where the texts part. */
const isEqual = (text: string, token: string): boolean => timingSafeEqual(hashOf(text), hashOf(token))

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest()
