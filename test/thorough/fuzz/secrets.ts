import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BoxAppError, parseBoxApp } from '../../../lib/box/box-app.ts'
import { parseKeys } from '../../../lib/ingest/signature-keys.ts'
import { boundary } from './boundary.ts'

/** A text that no message contains by chance. */
const CANARY = 'zQ7#canary'

const canary = fc.string({ maxLength: 5 }).map(more => `${CANARY}${more}`)
const value = fc.oneof(
  { weight: 3, arbitrary: canary },
  fc.jsonValue({ maxDepth: 1 }),
  fc.constantFrom('', ' ', '0', 0, 123, 2 ** 53, `-----BEGIN ENCRYPTED PRIVATE KEY-----${CANARY}`),
)
const field = fc.oneof(
  fc.constantFrom('primary', 'secondary', 'clientId', 'clientSecret', 'enterpriseId', 'userId', '__proto__'),
  canary,
)
const settings = fc.record(
  {
    clientID: value,
    clientSecret: value,
    appAuth: fc.oneof(
      fc.record({ publicKeyID: value, privateKey: value, passphrase: value }, { requiredKeys: [] }),
      value,
    ),
  },
  { requiredKeys: [] },
)
const object = fc.oneof(
  fc.dictionary(field, value, { noNullPrototype: true }),
  fc.record({ primary: value, secondary: value }, { requiredKeys: [] }),
  fc.record(
    { clientId: value, clientSecret: value, enterpriseId: value, userId: value },
    { requiredKeys: [] },
  ),
  fc.record(
    {
      boxAppSettings: fc.oneof({ weight: 4, arbitrary: settings }, value),
      enterpriseID: value,
      userID: value,
    },
    { requiredKeys: [] },
  ),
)
/** Secrets as people store them: JSON of the right form or another, cut short, with something around it, or none at all. */
const secret = fc.oneof(
  { weight: 6, arbitrary: object.map(json => JSON.stringify(json)) },
  fc.tuple(object, fc.nat(60)).map(([json, length]) => JSON.stringify(json).slice(0, length)),
  fc.tuple(canary, object).map(([before, json]) => before + JSON.stringify(json)),
  canary,
  fc.constant(undefined),
)

export const signatureKeySecrets = boundary(
  'signature-key-secrets',
  { weight: 5, quickCases: 1500 },
  secret,
  text => {
    const read = outcomeOf(() => parseKeys(text))
    if ('error' in read) return checkSilent(read.error)
    const json: unknown = JSON.parse(text ?? '')
    for (const name of ['primary', 'secondary'] as const) {
      const stored: unknown =
        json instanceof Object && Object.hasOwn(json, name) ? Reflect.get(json, name) : undefined
      const expected = typeof stored === 'string' && stored.trim() !== '' ? stored.trim() : undefined
      assert.equal(read.value[name], expected)
    }
  },
)

export const boxAppSecrets = boundary('box-app-secrets', { weight: 5, quickCases: 1500 }, secret, text => {
  const read = outcomeOf(() => parseBoxApp(text))
  // An id is the same as a number and as text.
  const spelt = text?.replace(/"((?:enterprise|user)I[dD])":\s*(\d{1,15})(?=[,}])/g, '"$1":"$2"')
  const same = outcomeOf(() => parseBoxApp(spelt))
  assert.deepEqual('value' in same && same.value, 'value' in read && read.value)
  if ('error' in read) {
    assert.ok(read.error instanceof BoxAppError, 'what is wrong with a secret is a BoxAppError')
    return checkSilent(read.error)
  }
  const app = read.value
  const credentials = [app.clientId, app.clientSecret, app.userId ?? app.enterpriseId]
  if (app.kind === 'jwt') {
    credentials.push(app.publicKeyId, app.privateKey)
    assert.ok(
      app.passphrase !== '' || !app.privateKey.includes('ENCRYPTED'),
      'an encrypted key has its passphrase',
    )
  }
  for (const credential of credentials)
    assert.ok(typeof credential === 'string' && credential !== '' && credential === credential.trim())
  assert.notEqual(app.enterpriseId, '0')
})

function outcomeOf<T>(read: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: read() }
  } catch (error) {
    return { error }
  }
}

/** An error says what is wrong without a piece of the secret, its stack and its cause included. */
function checkSilent(error: unknown): void {
  assert.ok(error instanceof Error)
  assert.ok(error.message.length > 30, 'it says what to do')
  assert.ok(!`${error.message}${error.stack}${String(error.cause)}`.includes('zQ7#'))
}
