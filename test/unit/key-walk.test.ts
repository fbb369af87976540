import { expect, test } from 'vitest'
import { type WalkParts, walkRotation } from '../../cli/keys/key-walk.ts'
import { KeysChanged, type StageKeys } from '../../cli/keys/stage-keys.ts'
import { CommandError } from '../../cli/terminal/command-error.ts'
import { begun, stored } from '../../lib/key-secret.ts'
import { createKeyTraffic } from '../../lib/key-traffic.ts'

const AT = 1_764_000_000_000
const HOUR = 3_600_000

/** A rotation whose new key Box does not sign with, so that the next step is to write. */
const turnedDown = stored(
  begun(
    { keys: { primary: 'a', secondary: 'b' }, storedAt: {} },
    { by: 'me', todo: ['secondary', 'primary'], at: AT },
  ),
  'c',
  AT,
)

/** The keys of a stage whose secret nobody can change, and how often it was tried. */
function stuck(version: (tries: number) => string) {
  let tries = 0
  const traffic = createKeyTraffic()
  traffic.take(JSON.stringify({ event: 'delivery_refused', code: 'signature_mismatch' }), AT + 1000)
  const keys: StageKeys = {
    read: async () => ({ secret: turnedDown, version: version(tries), at: AT }),
    write: async () => {
      tries += 1
      throw new KeysChanged()
    },
    watch: () => ({ read: async () => traffic.traffic }),
    close: () => {},
  }
  return { keys, tries: () => tries }
}

const walk = (keys: StageKeys, signal: AbortSignal = new AbortController().signal) => {
  const said: string[] = []
  const parts: WalkParts = {
    ...{
      keys,
      signal,
      place: { stage: 'prod', region: 'eu-central-1' },
      settleMs: 1,
      timeoutMs: 0,
      lookMs: 1,
      by: 'me',
    },
    now: () => AT + HOUR,
    sleep: async () => {},
    say: async text => said.push(text),
    line: { tell: () => {}, end: () => {} },
    askKey: async () => undefined,
  }
  return { ended: walkRotation(parts), said }
}

test('a secret that stays as it is, and yet can’t be changed, ends the rotation with the reason', async () => {
  const { keys, tries } = stuck(() => 'v1')
  await expect(walk(keys).ended).rejects.toThrow(CommandError)
  expect(tries()).toBe(5)
})

test('a secret that others change again and again is followed for as long as they do', async () => {
  const stop = new AbortController()
  const { keys, tries } = stuck(tries => {
    if (tries === 50) stop.abort()
    return `v${tries}`
  })
  const { ended, said } = walk(keys, stop.signal)
  expect(await ended).toBe('stopped')
  expect(tries()).toBeGreaterThanOrEqual(50)
  expect(said[0]).toContain('Somebody else has changed the signature keys')
})
