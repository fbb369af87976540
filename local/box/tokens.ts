import { BoxRefusal } from './refusal.ts'

/** How long a token lives, in seconds. */
const TOKEN_SECONDS = 3600

export type TokensOptions = {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly newId: () => string
  readonly clientId: string
  readonly clientSecret: string
}

/** Box's token endpoint for server authentication. */
export class Tokens {
  readonly #options: TokensOptions
  readonly #expiry = new Map<string, number>()

  constructor(options: TokensOptions) {
    this.#options = options
  }

  /**
   * Grants a token for client credentials or a JWT assertion. The assertion's form and expiry are checked, not its
   * signature, as no public key is known here.
   * @throws BoxRefusal as Box refuses a grant
   */
  grant(form: URLSearchParams): { access_token: string; expires_in: number; token_type: 'bearer' } {
    const { clientId, clientSecret, now, newId } = this.#options
    if (form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret)
      throw new BoxRefusal(400, 'invalid_client', 'The client credentials are invalid')
    const type = form.get('grant_type')
    if (type === 'client_credentials') {
      if (!form.get('box_subject_id') || !/^(enterprise|user)$/.test(form.get('box_subject_type') ?? ''))
        throw new BoxRefusal(400, 'invalid_grant', 'Grant credentials are invalid')
    } else if (type === 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
      this.#checkAssertion(form.get('assertion') ?? '')
    } else {
      throw new BoxRefusal(400, 'unsupported_grant_type', 'The grant type is unsupported')
    }
    const token = newId()
    this.#expiry.set(token, now() + TOKEN_SECONDS * 1000)
    return { access_token: token, expires_in: TOKEN_SECONDS, token_type: 'bearer' }
  }

  isValid(authorization: string | undefined): boolean {
    const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1]
    return this.#options.now() < (this.#expiry.get(token ?? '') ?? 0)
  }

  /** Ends every token at once, as when an admin removes the app's authorisation. */
  revokeAll(): void {
    this.#expiry.clear()
  }

  #checkAssertion(assertion: string): void {
    const [, payload = ''] = assertion.split('.')
    try {
      const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
      const exp = claims instanceof Object ? Reflect.get(claims, 'exp') : undefined
      if (typeof exp === 'number' && exp * 1000 > this.#options.now() && assertion.split('.').length === 3)
        return
    } catch {
      // Falls through to the refusal.
    }
    throw new BoxRefusal(400, 'invalid_grant', 'Please check the assertion')
  }
}
