import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { SECRETS } from '../../../cli/stage/secret-rules.ts'
import { parseBoxApp } from '../../../lib/box/box-app.ts'

const CLIENT = { clientId: 'canaryclientid01', clientSecret: 'canarysecret0123' }
const SETTINGS = { clientID: CLIENT.clientId, clientSecret: CLIENT.clientSecret }
const pem = (passphrase?: string): string =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: {
      type: 'pkcs8',
      format: 'pem',
      ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }),
    },
  }).privateKey
const [PLAIN, ENCRYPTED] = [pem(), pem('canary')]
const jwtFile = (appAuth: object, more: object = { enterpriseID: '123' }) => ({
  boxAppSettings: { ...SETTINGS, appAuth: { publicKeyID: 'k1', privateKey: PLAIN, ...appAuth } },
  ...more,
})

const app = (secret: object) => parseBoxApp(JSON.stringify(secret))
const problems = (secret: object) => SECRETS['box-app'].problems(JSON.stringify(secret)).join('\n')

describe('the secret of a Box app', () => {
  test.each([
    ['client credentials', { ...CLIENT, enterpriseId: 123 }, { enterpriseId: '123' }],
    ['client credentials of a user', { ...CLIENT, userId: 456 }, { userId: '456' }],
    ['a JWT file', jwtFile({}, { enterpriseID: 123 }), { kind: 'jwt', enterpriseId: '123' }],
    ['a JWT file of a user', jwtFile({}, { userID: 456 }), { kind: 'jwt', userId: '456' }],
  ])('may have its id as a number in %s', (_, secret, expected) => {
    expect(app(secret)).toMatchObject(expected)
    expect(problems(secret)).toBe('')
  })

  test.each([
    ['client credentials', { ...CLIENT, enterpriseId: '0' }],
    ['client credentials, as a number', { ...CLIENT, enterpriseId: 0 }],
    ['the Box CLI’s file', { boxAppSettings: SETTINGS, enterpriseID: '0' }],
    ['a JWT file', jwtFile({}, { enterpriseID: '0' })],
  ])('is refused for an enterprise of 0 in %s, with the reason', (_, secret) => {
    expect(problems(secret)).toMatch(/has 0 as enterpriseI[dD].*belongs to no enterprise.*Developer Console/s)
    expect(() => app(secret)).toThrow('belongs to no enterprise')
  })

  test('may have an enterprise of 0 beside a user, for whom the app then acts', () => {
    expect(app(jwtFile({}, { enterpriseID: '0', userID: '456' }))).toMatchObject({ userId: '456' })
    expect(app(jwtFile({}, { enterpriseID: '123', userID: '456' }))).toMatchObject({ enterpriseId: '123' })
  })

  test('is refused for a number that JSON can’t carry, naming the field', () => {
    expect(problems({ ...CLIENT, enterpriseId: 2 ** 60 })).toContain(
      "as enterpriseId that can't be read exactly",
    )
    expect(problems({ ...CLIENT, userId: 1.5 })).toContain("as userId that can't be read exactly")
  })

  test('may be the file that the Box CLI takes for client credentials', () => {
    const secret = { boxAppSettings: SETTINGS, enterpriseID: '123' }
    expect(app(secret)).toEqual({ kind: 'client-credentials', ...CLIENT, enterpriseId: '123' })
    expect(problems(secret)).toBe('')
  })

  test('says what to do about a file without its key, whichever way the app is to get its token', () => {
    expect(problems(jwtFile({ publicKeyID: '', privateKey: '' }))).toMatch(
      /lacks boxAppSettings\.appAuth\.publicKeyID\. Generate a key pair.*client credentials, leave appAuth out/s,
    )
  })

  test.each([
    ['without a passphrase', {}],
    ['with an empty one', { passphrase: '' }],
  ])('may have a private key that is not encrypted, %s', (_, appAuth) => {
    expect(app(jwtFile(appAuth))).toMatchObject({ kind: 'jwt', privateKey: PLAIN.trim(), passphrase: '' })
    expect(problems(jwtFile(appAuth))).toBe('')
  })

  test('lacks the passphrase of a key that is encrypted', () => {
    expect(problems(jwtFile({ privateKey: ENCRYPTED }))).toContain('lacks boxAppSettings.appAuth.passphrase')
    expect(problems(jwtFile({ privateKey: ENCRYPTED, passphrase: 'canary' }))).toBe('')
  })
})
