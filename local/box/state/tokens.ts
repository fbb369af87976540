import { parseObject } from '../../../lib/base/json.ts'
import type { Conditions } from './conditions.ts'
import { BoxRefusal } from './refusal.ts'

/** How far ahead an assertion may expire, in seconds. */
const ASSERTION_SECONDS_MAX = 60

export type TokensOptions = {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly newId: () => string
  readonly clientId: string
  readonly clientSecret: string
  readonly conditions: Readonly<Pick<Conditions, 'tokenLifeSeconds'>>
}

export type Grant = {
  readonly access_token: string
  readonly expires_in: number
  readonly token_type: 'bearer'
  readonly restricted_to: []
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
   * @throws BoxRefusal (400) as Box refuses a grant
   * @see https://developer.box.com/guides/authentication/
   */
  grant(form: URLSearchParams): Grant {
    const type = form.get('grant_type')
    if (type === 'client_credentials') this.#checkClientCredentials(form)
    else if (type === 'urn:ietf:params:oauth:grant-type:jwt-bearer') this.#checkAssertion(form)
    else throw new BoxRefusal(400, 'unsupported_grant_type', 'The grant type is unsupported')
    const token = this.#options.newId()
    const { tokenLifeSeconds } = this.#options.conditions
    this.#expiry.set(token, this.#options.now() + tokenLifeSeconds * 1000)
    return { access_token: token, expires_in: tokenLifeSeconds, token_type: 'bearer', restricted_to: [] }
  }

  isValid(authorization: string | undefined): boolean {
    const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1]
    return this.#options.now() < (this.#expiry.get(token ?? '') ?? 0)
  }

  /** Ends every token at once, as when an admin removes the app's authorisation. */
  revokeAll(): void {
    this.#expiry.clear()
  }

  #isClient(form: URLSearchParams): boolean {
    const { clientId, clientSecret } = this.#options
    return form.get('client_id') === clientId && form.get('client_secret') === clientSecret
  }

  #checkClientCredentials(form: URLSearchParams): void {
    const subject = isSubjectType(form.get('box_subject_type')) && form.get('box_subject_id')
    if (!subject || !this.#isClient(form))
      throw new BoxRefusal(400, 'invalid_grant', 'Grant credentials are invalid')
  }

  #checkAssertion(form: URLSearchParams): void {
    if (!this.#isClient(form))
      throw new BoxRefusal(400, 'invalid_client', 'The client credentials are invalid')
    const [header, claims, signature] = (form.get('assertion') ?? '').split('.')
    const { alg } = decoded(header)
    const { iss, sub, box_sub_type: subjectType, aud, jti, exp } = decoded(claims)
    const nowSeconds = this.#options.now() / 1000
    const problems: Readonly<Record<string, boolean>> = {
      alg: typeof alg !== 'string' || !/^RS(256|384|512)$/.test(alg),
      signature: !signature,
      iss: iss !== this.#options.clientId,
      sub: typeof sub !== 'string' || sub === '',
      box_sub_type: !isSubjectType(subjectType),
      aud: aud !== 'https://api.box.com/oauth2/token',
      jti: typeof jti !== 'string' || jti.length < 16 || jti.length > 128,
      exp: typeof exp !== 'number' || exp <= nowSeconds || exp > nowSeconds + ASSERTION_SECONDS_MAX,
    }
    const [wrong] = Object.keys(problems).filter(name => problems[name])
    if (wrong) throw new BoxRefusal(400, 'invalid_grant', `Please check the '${wrong}' claim`)
  }
}

const isSubjectType = (type: unknown): boolean => type === 'enterprise' || type === 'user'

/** A part of a JWT; empty where it is none. */
const decoded = (part = ''): Record<string, unknown> =>
  parseObject(Buffer.from(part, 'base64url').toString()) ?? {}
