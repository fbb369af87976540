import { parseObject } from '../base/json.ts'
import type { SignatureKeys } from './signature.ts'

/** Where a receiver's signature keys come from. */
export type SignatureKeyring = {
  /**
   * The keys, from the cache while it is fresh. While Secrets Manager can't be reached the last keys stay in use.
   * @throws SignatureKeysUnavailable where there are none yet
   */
  current(): Promise<SignatureKeys>
  /**
   * The keys fetched anew, for when none of the cached ones matches: a rotation then takes effect at once.
   * @returns undefined where a fetch was made a short while ago, so that forgeries can't cause a storm of fetches
   * @throws SignatureKeysUnavailable where the newest keys can't be read, so that nobody can say what they would match
   */
  refreshed(): Promise<SignatureKeys | undefined>
}

export class SignatureKeysUnavailable extends Error {
  override readonly name = 'SignatureKeysUnavailable'
}

export type KeyringOptions = {
  /** Fetches the secret's text from Secrets Manager; undefined where it has none. */
  readonly readSecret: () => Promise<string | undefined>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Told of each failed fetch. */
  readonly onFailure?: (error: unknown) => void
  /** How long fetched keys stay fresh, which is also how long a withdrawn key is still accepted. 5 minutes by default. */
  readonly freshMs?: number
  /** The least time between two fetches. 10 seconds by default. */
  readonly intervalMs?: number
}

/** The keyring over a secret `{"primary": "…", "secondary": "…"}` in Secrets Manager. */
export function createKeyring(options: KeyringOptions): SignatureKeyring {
  const { readSecret, now, freshMs = 300_000, intervalMs = 10_000 } = options
  let cached: { keys: SignatureKeys; at: number } | undefined
  let triedAt = Number.NEGATIVE_INFINITY
  let lastFailed = false
  let pending: Promise<SignatureKeys> | undefined

  const fetchKeys = async (): Promise<SignatureKeys> => {
    triedAt = now()
    const keys = parseKeys(await readSecret())
    cached = { keys, at: now() }
    lastFailed = false
    return keys
  }
  /** Requests that need a fetch at the same time share one. */
  const fetchOnce = (): Promise<SignatureKeys> => {
    pending ??= fetchKeys()
      .catch((error: unknown) => {
        lastFailed = true
        options.onFailure?.(error)
        throw new SignatureKeysUnavailable(
          'The signature keys could not be read from Secrets Manager. Box will deliver again; check that the secret exists and that ingest may read it.',
          { cause: error },
        )
      })
      .finally(() => {
        pending = undefined
      })
    return pending
  }

  return {
    async current() {
      const known = cached
      if (known && now() - known.at < freshMs) return known.keys
      if (known && !pending && now() - triedAt < intervalMs) return known.keys
      if (!known) return fetchOnce()
      return fetchOnce().catch(() => known.keys)
    },
    async refreshed() {
      if (pending || now() - triedAt >= intervalMs) return fetchOnce()
      if (lastFailed) throw new SignatureKeysUnavailable('The signature keys could not be read a moment ago.')
      return undefined
    },
  }
}

/**
 * Begins to fetch the keys at once, so that a function does it while it starts. Who asks meanwhile waits for that; where it
 * has failed, the keyring fetches as if nothing had been.
 */
export function warmed(keyring: SignatureKeyring): SignatureKeyring {
  let begun: Promise<void> | undefined = keyring
    .current()
    .then(
      () => {},
      () => {},
    )
    .finally(() => {
      begun = undefined
    })
  return {
    ...keyring,
    current: () => (begun ? begun.then(keyring.current) : keyring.current()),
  }
}

/**
 * Reads the secret. White space around a key, which pasting brings along, is dropped.
 * @throws Error where the text is no JSON object; its message never contains the text
 */
export function parseKeys(secret: string | undefined): SignatureKeys {
  const json = parseObject(secret ?? '')
  if (!json)
    throw new Error(
      'The signature keys\' secret is no JSON object of the form {"primary": "…", "secondary": "…"}. Write it anew in Secrets Manager.',
    )
  const key = (name: keyof SignatureKeys): SignatureKeys => {
    const value = json[name]
    return typeof value === 'string' && value.trim() ? { [name]: value.trim() } : {}
  }
  return { ...key('primary'), ...key('secondary') }
}
