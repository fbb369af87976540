import type { Authentication, NetworkSession } from 'box-node-sdk/networking'
import { SharedCall } from '../base/shared-call.ts'

type AccessToken = Awaited<ReturnType<Authentication['retrieveToken']>>

/** A token and when it was asked for, in milliseconds since the epoch. */
export type HeldToken = { readonly accessToken: AccessToken; readonly at: number }

export type BoxTokenOptions = {
  /** Gets tokens for the app. */
  readonly auth: Authentication
  /** Makes a session for a call of the token's own, which belongs to no run. */
  readonly sessionFor: (signal: AbortSignal) => NetworkSession
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** How long a token has to live on for an upload to begin with it, in milliseconds. */
const UPLOAD_LIFE_MS_MIN = 300_000
/** For how long a token counts as new, in milliseconds. */
const NEW_MS = 60_000

/**
 * The app's token as all runs of a connection share it: got when first needed, by one call for all who wait for it, and kept
 * until it is refused or too old for an upload.
 * @see https://developer.box.com/guides/authentication/tokens/access-tokens/
 */
export class BoxToken implements Authentication {
  readonly #options: BoxTokenOptions
  readonly #renewal = new SharedCall<HeldToken>()
  #held: HeldToken | undefined

  constructor(options: BoxTokenOptions) {
    this.#options = options
  }

  /**
   * Gives the token that a call is to be made with. For an upload it lives for five minutes more, or for half its life where
   * that is shorter.
   * @throws BoxError where Box gives none, or the reason of `signal`
   */
  async hold(
    call: { readonly isUpload?: boolean; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<HeldToken> {
    const held = this.#held
    if (held && !(call.isUpload && this.#endsSoon(held))) return held
    return this.#renew(call.signal)
  }

  /**
   * Gets a new token in the place of one that Box has refused, unless another call has done so.
   * @throws BoxError where Box gives none, or the reason of `signal`
   */
  async replace(refused: HeldToken, signal: AbortSignal | undefined): Promise<void> {
    if (this.#held === undefined || this.#held === refused) await this.#renew(signal)
  }

  /** Lets go of a token, so that the next call gets another. */
  forget(held: HeldToken | undefined): void {
    if (this.#held === held) this.#held = undefined
  }

  /** Whether a token was got so lately that getting another is of no use. */
  isNew({ at }: HeldToken): boolean {
    return this.#options.now() - at < NEW_MS
  }

  async retrieveToken(): Promise<AccessToken> {
    return (await this.hold()).accessToken
  }

  async refreshToken(): Promise<AccessToken> {
    return (await this.#renew(undefined)).accessToken
  }

  async retrieveAuthorizationHeader(): Promise<string> {
    const { accessToken } = await this.retrieveToken()
    return `Bearer ${accessToken ?? ''}`
  }

  async revokeToken(session?: NetworkSession): Promise<undefined> {
    await this.#options.auth.revokeToken(session)
    this.forget(this.#held)
  }

  async downscopeToken(...args: Parameters<Authentication['downscopeToken']>): Promise<AccessToken> {
    await this.hold()
    return this.#options.auth.downscopeToken(...args)
  }

  #renew(signal: AbortSignal | undefined): Promise<HeldToken> {
    const { auth, sessionFor, now } = this.#options
    return this.#renewal.join(signal, async shared => {
      const at = now()
      this.#held = { accessToken: await auth.refreshToken(sessionFor(shared)), at }
      return this.#held
    })
  }

  #endsSoon({ accessToken: { expiresIn }, at }: HeldToken): boolean {
    if (expiresIn === undefined) return false
    const lifeMs = expiresIn * 1000
    return at + lifeMs - this.#options.now() < Math.min(UPLOAD_LIFE_MS_MIN, lifeMs / 2)
  }
}
