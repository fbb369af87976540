import { isObject, parseObject } from './json.ts'

/** The credentials of a Box app, as its secret holds them. */
export type BoxApp =
  | {
      readonly kind: 'client-credentials'
      readonly clientId: string
      readonly clientSecret: string
      readonly enterpriseId?: string
      readonly userId?: string
    }
  | { readonly kind: 'jwt'; readonly configJson: string }

/** The secret is missing or no credentials; the message never contains any of it. */
export class BoxAppError extends Error {
  override readonly name = 'BoxAppError'
}

/**
 * Reads the app's secret: `{clientId, clientSecret, enterpriseId | userId}` for client credentials, or the JWT
 * configuration file as downloaded from Box's Developer Console.
 * @throws BoxAppError that names the field that is missing
 * @see https://developer.box.com/guides/authentication/client-credentials/
 */
export function parseBoxApp(secret: string | undefined): BoxApp {
  const json = parse(secret)
  if (isObject(json.boxAppSettings)) return jwtApp(json, json.boxAppSettings, secret ?? '')
  const clientId = text(json.clientId)
  const clientSecret = text(json.clientSecret)
  const enterpriseId = text(json.enterpriseId)
  const userId = text(json.userId)
  if (!clientId && !clientSecret && !enterpriseId && !userId)
    throw new BoxAppError(
      "The Box app's secret holds no credentials yet. Put {clientId, clientSecret, enterpriseId} into it, or the app's JWT configuration file as downloaded from the Developer Console.",
    )
  if (!clientId) throw missing('clientId')
  if (!clientSecret) throw missing('clientSecret')
  if (!enterpriseId && !userId) throw missing('enterpriseId (or userId)')
  return {
    kind: 'client-credentials',
    clientId,
    clientSecret,
    ...(userId ? { userId } : { enterpriseId: enterpriseId ?? '' }),
  }
}

function jwtApp(
  json: Record<string, unknown>,
  settings: Record<string, unknown>,
  configJson: string,
): BoxApp {
  const appAuth = isObject(settings.appAuth) ? settings.appAuth : {}
  if (!text(settings.clientID)) throw missing('boxAppSettings.clientID')
  if (!text(settings.clientSecret)) throw missing('boxAppSettings.clientSecret')
  for (const field of ['publicKeyID', 'privateKey', 'passphrase'])
    if (!text(appAuth[field])) throw missing(`boxAppSettings.appAuth.${field}`)
  if (!text(json.enterpriseID) && !text(json.userID)) throw missing('enterpriseID')
  return { kind: 'jwt', configJson }
}

const missing = (field: string): BoxAppError =>
  new BoxAppError(`The Box app's secret lacks ${field}. Write the secret anew with it.`)

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() ? value.trim() : undefined

/** The parser's own message would quote the secret. */
function parse(secret: string | undefined): Record<string, unknown> {
  const json = parseObject(secret || '{}')
  if (json) return json
  throw new BoxAppError("The Box app's secret is no JSON object. Write it anew in Secrets Manager.")
}
