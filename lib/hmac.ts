import { hash } from 'node:crypto'

/** A key made ready to authenticate many messages: both of its pads, the outer one with room for the inner hash. */
export type HmacKey = { readonly inner: Uint8Array; readonly outer: Buffer }

/** SHA-256 works on blocks of this many bytes, and gives half of it. */
const BLOCK = 64
const DIGEST = 32

/**
 * HMAC-SHA256 for one key and many short messages, after RFC 2104: H(key ⊕ opad ‖ H(key ⊕ ipad ‖ message)). Node's own
 * createHmac makes an object for each message, which takes longer than to authenticate 1 KB.
 * @see https://www.rfc-editor.org/rfc/rfc2104#section-2
 */
export function hmacKey(key: string | Uint8Array): HmacKey {
  const given = Buffer.from(key)
  const bytes = given.length > BLOCK ? hash('sha256', given, 'buffer') : given
  const inner = new Uint8Array(BLOCK).fill(0x36)
  const outer = Buffer.alloc(BLOCK + DIGEST, 0x5c)
  for (const [at, byte] of bytes.entries()) {
    inner[at] = byte ^ 0x36
    outer[at] = byte ^ 0x5c
  }
  return { inner, outer }
}

/** Messages up to this size are laid out here, once for all keys; for longer ones the object does not matter. */
const MESSAGE_MAX = 32_768
const room = Buffer.alloc(BLOCK + MESSAGE_MAX)

/**
 * A message of some bytes and the text after them, in one piece.
 * @returns what authenticates it with a key until the next message is laid out; undefined for a message that is too long
 */
export function hmacOf(
  bytes: Uint8Array,
  text: string,
  encoding: 'base64' | 'hex' = 'base64',
): ((key: HmacKey) => string) | undefined {
  // A character has three bytes at most.
  if (bytes.length + 3 * text.length > MESSAGE_MAX) return undefined
  room.set(bytes, BLOCK)
  const end = BLOCK + bytes.length + room.write(text, BLOCK + bytes.length)
  const message = room.subarray(0, end)
  return ({ inner, outer }) => {
    room.set(inner)
    outer.write(hash('sha256', message, 'binary'), BLOCK, 'latin1')
    return hash('sha256', outer, encoding)
  }
}
