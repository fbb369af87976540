import { describe, expect, test } from 'vitest'
import { createKeyring, parseKeys, SignatureKeysUnavailable } from '../../../lib/ingest/signature-keys.ts'

/** A keyring over a Secrets Manager whose answers and clock the test sets. */
function keyring() {
  const world = { now: 0, secret: '{"primary":"one"}', down: false, fetches: 0, failures: 0 }
  const ring = createKeyring({
    readSecret: async () => {
      world.fetches += 1
      if (world.down) throw new Error('connect ECONNREFUSED')
      return world.secret
    },
    now: () => world.now,
    onFailure: () => {
      world.failures += 1
    },
  })
  return { world, ring }
}

describe('the keyring', () => {
  test('fetches once for many deliveries, those at the same time included', async () => {
    const { world, ring } = keyring()
    await Promise.all([ring.current(), ring.current(), ring.current()])
    world.now = 299_999
    expect(await ring.current()).toEqual({ primary: 'one' })
    expect(world.fetches).toBe(1)
  })

  test('fetches anew after five minutes, so that a withdrawn key does not stay accepted', async () => {
    const { world, ring } = keyring()
    await ring.current()
    world.now = 300_000
    world.secret = '{"primary":"two"}'
    expect(await ring.current()).toEqual({ primary: 'two' })
  })

  test('keeps the last keys in use while Secrets Manager is down, and tries again only every ten seconds', async () => {
    const { world, ring } = keyring()
    await ring.current()
    world.down = true
    for (const now of [300_000, 300_001, 309_999, 310_000]) {
      world.now = now
      expect(await ring.current()).toEqual({ primary: 'one' })
    }
    expect(world).toMatchObject({ fetches: 3, failures: 2 })
  })

  test('has nothing to offer when the first fetch fails, and says so without the secret', async () => {
    const { world, ring } = keyring()
    world.down = true
    await expect(ring.current()).rejects.toThrow(SignatureKeysUnavailable)
    world.down = false
    expect(await ring.current()).toEqual({ primary: 'one' })
  })

  test('a mismatch fetches once, and further ones within ten seconds do not', async () => {
    const { world, ring } = keyring()
    await ring.current()
    world.now = 10_000
    world.secret = '{"primary":"two"}'
    expect(await ring.refreshed()).toEqual({ primary: 'two' })
    expect(await ring.refreshed()).toBeUndefined()
    expect(world.fetches).toBe(2)
  })

  test('a mismatch that newer keys could explain is not judged while those can’t be read', async () => {
    const { world, ring } = keyring()
    await ring.current()
    world.now = 10_000
    world.down = true
    await expect(ring.refreshed()).rejects.toThrow(SignatureKeysUnavailable)
    await expect(ring.refreshed()).rejects.toThrow(SignatureKeysUnavailable)
    expect(world).toMatchObject({ fetches: 2, failures: 1 })
  })
})

describe('the secret', () => {
  test('is read with white space around keys dropped and empty keys left out', () => {
    expect(parseKeys('{"primary":" a\\n","secondary":"","other":1}')).toEqual({ primary: 'a' })
    expect(parseKeys('{}')).toEqual({})
  })

  test.each(['', 'canary-key', '"canary-key"', '["canary-key"]', 'null'])(
    '%j is refused, unquoted',
    secret => {
      expect(() => parseKeys(secret)).toThrow(/no JSON object/)
      expect(() => parseKeys(secret)).not.toThrow(/canary/)
    },
  )
})
