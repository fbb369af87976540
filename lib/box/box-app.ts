import { isObject, parseObject } from '../base/json.ts'

/** Whom an app acts as: its service account in an enterprise, or a user. */
type BoxSubject =
  | { readonly enterpriseId: string; readonly userId?: never }
  | { readonly userId: string; readonly enterpriseId?: never }

/** The credentials of a Box app, as its secret holds them. */
export type BoxApp = BoxSubject & {
  readonly clientId: string
  readonly clientSecret: string
} & (
    | { readonly kind: 'client-credentials' }
    | {
        readonly kind: 'jwt'
        readonly publicKeyId: string
        /** In PEM form. */
        readonly privateKey: string
        /** Empty where the private key is not encrypted. */
        readonly passphrase: string
      }
  )

/** The secret is missing or holds no usable credentials; the message never contains any of it. */
export class BoxAppError extends Error {
  override readonly name = 'BoxAppError'
}

type Json = Readonly<Record<string, unknown>>

/**
 * Reads the app's secret: `{clientId, clientSecret, enterpriseId | userId}` for client credentials, the configuration file
 * that the Box CLI takes for them (`{boxAppSettings: {clientID, clientSecret}, enterpriseID}`), or the JWT configuration
 * file as downloaded from Box's Developer Console. Ids may be numbers.
 * @throws BoxAppError that names the field that is missing or can't be used
 * @see https://developer.box.com/guides/authentication/client-credentials/
 * @see https://developer.box.com/guides/authentication/jwt/jwt-setup/
 */
export function parseBoxApp(secret: string | undefined): BoxApp {
  const json = parse(secret)
  if (isObject(json.boxAppSettings)) return downloadedApp(json, json.boxAppSettings)
  const { clientId, clientSecret, enterpriseId, userId } = json
  if (![clientId, clientSecret, enterpriseId, userId].some(given))
    throw new BoxAppError(
      "The Box app's secret holds no credentials yet. Put {clientId, clientSecret, enterpriseId} into it, or the app's JWT configuration file as downloaded from the Developer Console.",
    )
  const app = {
    kind: 'client-credentials' as const,
    clientId: text(clientId, 'clientId'),
    clientSecret: text(clientSecret, 'clientSecret'),
  }
  if (given(userId)) return { ...app, userId: id(userId, 'userId') }
  if (!given(enterpriseId)) throw missing('enterpriseId (or userId)')
  return { ...app, enterpriseId: enterprise(enterpriseId, 'enterpriseId') }
}

/** A configuration file; only apps that use JWT have a part for their key in it. */
function downloadedApp(json: Json, settings: Json): BoxApp {
  const app = {
    clientId: text(settings.clientID, 'boxAppSettings.clientID'),
    clientSecret: text(settings.clientSecret, 'boxAppSettings.clientSecret'),
  }
  const key = isObject(settings.appAuth) ? keyOf(settings.appAuth) : undefined
  // As the SDK reads the file, which an enterprise of 0, being none, must not stand in the way of.
  const isUser = given(json.userID) && (!given(json.enterpriseID) || isNone(json.enterpriseID))
  const subject = isUser
    ? { userId: id(json.userID, 'userID') }
    : { enterpriseId: enterprise(json.enterpriseID, 'enterpriseID') }
  return key
    ? { kind: 'jwt', ...app, ...key, ...subject }
    : { kind: 'client-credentials', ...app, ...subject }
}

function keyOf({ publicKeyID, privateKey, passphrase }: Json) {
  const key = {
    publicKeyId: text(publicKeyID, 'boxAppSettings.appAuth.publicKeyID', NO_KEY),
    privateKey: text(privateKey, 'boxAppSettings.appAuth.privateKey', NO_KEY),
  }
  // PKCS#8 says so in its first line, the older form in a header.
  const isEncrypted = /ENCRYPTED/.test(key.privateKey)
  return {
    ...key,
    passphrase: isEncrypted || given(passphrase) ? text(passphrase, 'boxAppSettings.appAuth.passphrase') : '',
  }
}

const NO_KEY =
  'Generate a key pair in the Developer Console, and store the file that it then gives; or, where the app uses client credentials, leave appAuth out.'

const given = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && value.trim() !== '')

const missing = (field: string, advice = 'Store the secret again with it.'): BoxAppError =>
  new BoxAppError(`The Box app's secret lacks ${field}. ${advice}`)

function text(value: unknown, field: string, advice?: string): string {
  if (typeof value === 'string' && value.trim()) return value.trim()
  throw missing(field, advice)
}

function id(value: unknown, field: string): string {
  if (typeof value !== 'number') return text(value, field)
  // A larger number has lost digits by now.
  if (Number.isSafeInteger(value)) return String(value)
  throw new BoxAppError(
    `The Box app's secret has a number as ${field} that can't be read exactly. Write it in double quotes.`,
  )
}

/** Box writes 0 into the file of an account that has no enterprise, and then refuses it with "check the 'sub' claim". */
function enterprise(value: unknown, field: string): string {
  const enterpriseId = id(value, field)
  if (!isNone(enterpriseId)) return enterpriseId
  throw new BoxAppError(
    `The Box app's secret has 0 as ${field}, which Box refuses: its account belongs to no enterprise. Copy the enterprise ID from the app's General Settings tab in the Developer Console; where that is 0 as well, make the app in the account of an enterprise.`,
  )
}

const isNone = (enterpriseId: unknown): boolean => /^\s*0+\s*$/.test(String(enterpriseId))

/** The parser's own message would quote the secret. */
function parse(secret: string | undefined): Json {
  const json = parseObject(secret || '{}')
  if (json) return json
  throw new BoxAppError("The Box app's secret is no JSON object. Write it anew in Secrets Manager.")
}
