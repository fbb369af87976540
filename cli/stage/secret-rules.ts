import { createPrivateKey, type KeyObject } from 'node:crypto'
import { parseObject } from '../../lib/base/json.ts'
import { type BoxApp, BoxAppError, parseBoxApp } from '../../lib/box/box-app.ts'

/** What a secret of a stage holds, and what must hold for it. */
export type SecretKind = {
  /** The stack's output that names the secret. */
  readonly output: string
  /** What it is, for people. */
  readonly what: string
  /** Says what is wrong, each with the field and what to do, and never with a value; empty where nothing is. */
  problems(text: string): readonly string[]
  /** Says what is allowed but hardly meant. */
  warnings(text: string): readonly string[]
}

const PAIR = ['primary', 'secondary'] as const

/** Reads a secret of two texts; what is not there is undefined. */
export function pairOf(text: string): { readonly primary?: string; readonly secondary?: string } | undefined {
  const json = parseObject(text)
  if (!json) return undefined
  const given = PAIR.flatMap(name => {
    const value = json[name]
    return typeof value === 'string' && value.trim() ? [[name, value.trim()]] : []
  })
  return Object.fromEntries(given)
}

/**
 * Says what of a secret of two texts would be passed over, so that nobody takes it for stored. A field's name is not
 * told either: it may be the secret itself, in the wrong place.
 */
export function passedOver(text: string): string[] {
  const json = parseObject(text)
  if (!json) return []
  const known: readonly string[] = PAIR
  const others = Object.keys(json).some(name => !known.includes(name))
  const problems = PAIR.flatMap(name =>
    Object.hasOwn(json, name) && typeof json[name] !== 'string'
      ? [`${name}: It must be text, in double quotes.`]
      : [],
  )
  if (others)
    problems.push('There is another field than primary and secondary. Write those names as they are here.')
  const { primary, secondary } = pairOf(text) ?? {}
  return problems.length > 0 || primary || secondary
    ? problems
    : ['It gives neither primary nor secondary, so nothing would change.']
}

function pairProblems(text: string, what: string, check: (value: string) => string | undefined): string[] {
  const pair = pairOf(text)
  if (!pair) return [`It is no JSON object of the form {"primary": "…", "secondary": "…"}.`]
  const { primary, secondary } = pair
  if (!primary && !secondary)
    return [`It holds no ${what} yet. Store one as primary, and a second one as secondary.`]
  const problems = PAIR.flatMap(name => {
    const wrong = pair[name] === undefined ? undefined : check(pair[name])
    return wrong ? [`${name}: ${wrong}`] : []
  })
  if (primary !== undefined && primary === secondary)
    problems.push('secondary: It is the same as primary. Each of the two is generated for itself.')
  return problems
}

const pairWarnings = (text: string, what: string): string[] => {
  const pair = pairOf(text)
  return PAIR.flatMap(name =>
    pair && pair[name] === undefined
      ? [`There is no ${name} ${what}, so neither can be changed without refused deliveries. Store both.`]
      : [],
  )
}

/** Says what is wrong with a signature key, without any of it; undefined where nothing is. */
export function keyProblem(key: string): string | undefined {
  if (/\s/.test(key)) return 'There is white space within it. Copy the key again, all of it and nothing else.'
  if (!/^[\x21-\x7e]+$/.test(key)) return 'It has characters that no key of Box has. Copy it again.'
  if (key.length < 16)
    return 'It is too short to be a key of Box. In the Developer Console: Webhooks, Manage signature keys, Generate.'
  return undefined
}

const tokenProblem = (token: string): string | undefined =>
  /^[\w-]{32,128}$/.test(token)
    ? undefined
    : 'It must have 32 to 128 letters, digits, - and _, as `openssl rand -hex 32` makes them.'

/** The credentials, without a look at Box. */
function boxAppProblems(text: string): string[] {
  try {
    const app = parseBoxApp(text)
    return [...credentialProblems(app), ...(app.kind === 'jwt' ? keyProblems(app) : [])]
  } catch (error) {
    if (error instanceof BoxAppError) return [error.message]
    throw error
  }
}

function credentialProblems({ clientId, clientSecret, enterpriseId, userId }: BoxApp): string[] {
  return [
    ...(WORD.test(clientId)
      ? []
      : [
          'clientId: It has characters that no client id of Box has. Copy it again from the Configuration tab.',
        ]),
    ...(WORD.test(clientSecret)
      ? []
      : [
          'clientSecret: It has characters that no client secret of Box has. Copy it again from the Configuration tab.',
        ]),
    ...(enterpriseId === undefined || NUMBER.test(enterpriseId)
      ? []
      : ['enterpriseId: It must be a number; the General Settings tab of the app has it.']),
    ...(userId === undefined || NUMBER.test(userId) ? [] : ['userId: It must be a number.']),
  ]
}

const WORD = /^[\w-]{8,128}$/
const NUMBER = /^\d{1,32}$/

function keyProblems({ privateKey, passphrase }: { privateKey: string; passphrase: string }): string[] {
  const key = privateKeyOf(privateKey, passphrase)
  return typeof key === 'string' ? [key] : keyTypeProblems(key)
}

const DOWNLOAD =
  'Download the file again: Developer Console, Configuration, Generate a Public/Private Keypair.'

function privateKeyOf(key: string, passphrase: string): KeyObject | string {
  try {
    return createPrivateKey({ key, passphrase })
  } catch {
    return /^-----BEGIN [A-Z ]*PRIVATE KEY-----\s[\s\S]+-----END [A-Z ]*PRIVATE KEY-----\s*$/.test(key)
      ? `boxAppSettings.appAuth.privateKey: It can't be decrypted with boxAppSettings.appAuth.passphrase, so the two do not belong together, or one is cut off. ${DOWNLOAD}`
      : `boxAppSettings.appAuth.privateKey: It is no private key in PEM form. ${DOWNLOAD}`
  }
}

function keyTypeProblems({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string[] {
  const bits = asymmetricKeyDetails?.modulusLength ?? 0
  if (asymmetricKeyType !== 'rsa')
    return ['boxAppSettings.appAuth.privateKey: It is no RSA key, and Box takes no other.']
  return bits < 2048
    ? ['boxAppSettings.appAuth.privateKey: It has fewer than the 2048 bits that Box asks for.']
    : []
}

/** What a stage has secrets for, by the names that the command line has for them. */
export const SECRETS = {
  'signature-keys': {
    output: 'SignatureKeysSecretArn',
    what: 'the signature keys of the Box app',
    problems: text => pairProblems(text, 'signature key', keyProblem),
    warnings: text => pairWarnings(text, 'key'),
  },
  'box-app': {
    output: 'BoxAppSecretArn',
    what: 'the credentials of the Box app',
    problems: boxAppProblems,
    warnings: () => [],
  },
  'v1-tokens': {
    output: 'V1SecretArn',
    what: 'the tokens of V1 callbacks',
    problems: text => pairProblems(text, 'token', tokenProblem),
    warnings: () => [],
  },
} as const satisfies Readonly<Record<string, SecretKind>>

export type SecretName = keyof typeof SECRETS

export const isSecretName = (name: string): name is SecretName => Object.hasOwn(SECRETS, name)
