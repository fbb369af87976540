import { sign } from '../../../lib/ingest/signature.ts'
import type { Random } from './random.ts'

/** A request as it comes over the wire. */
export type Request = {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export type Loot = {
  /** A genuine delivery that somebody has overheard. */
  readonly overheard: Request
  readonly earlier: Request
  /** Keys that were in use once. */
  readonly retiredKeys: readonly string[]
  readonly now: number
}

type Forge = (loot: Loot, random: Random) => Request

const TIMESTAMP = 'box-delivery-timestamp'
const PRIMARY = 'box-signature-primary'
const SECONDARY = 'box-signature-secondary'

const withHeaders = ({ headers, body }: Request, changed: Record<string, string | undefined>): Request => ({
  headers: Object.fromEntries(
    Object.entries({ ...headers, ...changed }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  ),
  body,
})

const signedWith = ({ overheard, now }: Loot, key: string): Request => {
  const timestamp = new Date(now).toISOString()
  const signature = sign(overheard.body, timestamp, key)
  return withHeaders(overheard, { [TIMESTAMP]: timestamp, [PRIMARY]: signature, [SECONDARY]: signature })
}

/** Ways to make a delivery that Box did not send out of what an attacker may have. */
const FORGERIES: readonly [Forge, ...Forge[]] = [
  ({ overheard: { headers, body } }, random) => {
    const altered = Uint8Array.from(body)
    const at = random.int(altered.length)
    altered[at] = (altered[at] ?? 0) ^ (1 + random.int(255))
    return { headers, body: altered }
  },
  ({ overheard: { headers, body } }) => ({ headers, body: Buffer.concat([body, Buffer.from('\n')]) }),
  ({ overheard: { headers, body } }) => {
    return { headers, body: Buffer.from(serialiseAgain(Buffer.from(body).toString())) }
  },
  ({ overheard, now }) => withHeaders(overheard, { [TIMESTAMP]: new Date(now + 1000).toISOString() }),
  ({ overheard, earlier }) => ({ headers: earlier.headers, body: overheard.body.subarray(1) }),
  ({ overheard }) => withHeaders(overheard, { [PRIMARY]: undefined, [SECONDARY]: undefined }),
  ({ overheard }) => withHeaders(overheard, { [PRIMARY]: '', [SECONDARY]: '' }),
  ({ overheard }) => {
    const altered = Buffer.from(overheard.headers[PRIMARY] ?? '', 'base64')
    altered[31] = (altered[31] ?? 0) ^ 1
    return withHeaders(overheard, { [PRIMARY]: altered.toString('base64'), [SECONDARY]: 'AAAA' })
  },
  ({ overheard }) => withHeaders(overheard, { 'box-signature-algorithm': 'HmacSHA1' }),
  ({ overheard }) => withHeaders(overheard, { 'box-signature-version': '2' }),
  loot => signedWith(loot, 'a key of the attacker’s own'),
  loot => signedWith(loot, ' '),
  (loot, random) => signedWith(loot, loot.retiredKeys[random.int(loot.retiredKeys.length)] ?? 'none'),
  () => ({ headers: {}, body: Buffer.from('{"id":"forged"}') }),
  ({ overheard }) => ({ headers: overheard.headers, body: Buffer.alloc(0) }),
]

export const forge = (loot: Loot, random: Random): Request =>
  loot.retiredKeys.length > 0 && random.chance(0.3)
    ? signedWith(loot, loot.retiredKeys[random.int(loot.retiredKeys.length)] ?? '')
    : random.pick(FORGERIES)(loot, random)

function serialiseAgain(text: string): string {
  try {
    const again = JSON.stringify(JSON.parse(text))
    return again === text ? `${text} ` : again
  } catch {
    return `${text} `
  }
}
