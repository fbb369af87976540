import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { automation } from '../../../lib/automation/automation.ts'
import { BoxError } from '../../../lib/box/box-error.ts'
import { reportedError } from '../../../lib/webhooks/reconcile.ts'
import { serve } from '../../../local/serve.ts'
import { boxEvent, startKit } from '../../kit.ts'

const SETTINGS = { clientID: 'local-client', clientSecret: 'local-secret' }
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})

const asking = automation({
  name: 'asking',
  on: 'FILE.LOCKED',
  watch: { folder: '1' },
  async run({ box }) {
    await box.users.getUserMe()
  },
})

/** What becomes of an automation that calls Box with these credentials. */
async function outcomeWith(secret: object, apiUrl?: string): Promise<unknown> {
  const kit = await startKit({ secret: JSON.stringify(secret), ...(apiUrl === undefined ? {} : { apiUrl }) })
  try {
    return await kit.run(asking, boxEvent('FILE.LOCKED'))
  } finally {
    await kit.close()
  }
}

test.each([
  [
    'client credentials with a number',
    { clientId: 'local-client', clientSecret: 'local-secret', enterpriseId: 1 },
  ],
  ['the file that the Box CLI takes', { boxAppSettings: SETTINGS, enterpriseID: '1' }],
  [
    'a JWT file whose key is not encrypted',
    {
      boxAppSettings: { ...SETTINGS, appAuth: { publicKeyID: 'k', privateKey, passphrase: '' } },
      enterpriseID: 1,
    },
  ],
])('%s gets a token', async (_, secret) => {
  expect(await outcomeWith(secret)).toEqual({ kind: 'done' })
})

describe('credentials that Box refuses', () => {
  const refusing = (description: string) =>
    serve({
      fetch: () => Response.json({ error: 'invalid_grant', error_description: description }, { status: 400 }),
      port: 0,
    })
  const CREDENTIALS = { clientId: 'local-client', clientSecret: 'local-secret', enterpriseId: '1' }

  test.each([
    "Please check the 'sub' claim. The 'sub' specified is invalid.",
    "Current date/time MUST be before the expiration date/time listed in the 'exp' claim",
    'This app is not authorized by the enterprise admin',
  ])('fail the run with what Box says: %s', async description => {
    const box = await refusing(description)
    expect(await outcomeWith(CREDENTIALS, box.url)).toMatchObject({
      failure: { code: 'box_auth', message: expect.stringContaining(`Box says: "${description}"`) },
    })
    await box.close()
  })

  test('fail the run without what may repeat them', async () => {
    const box = await refusing('The secret local-secret of local-client is wrong')
    const outcome = await outcomeWith(CREDENTIALS, box.url)
    expect(outcome).toMatchObject({ failure: { code: 'box_auth' } })
    expect(JSON.stringify(outcome)).not.toMatch(/local-(client|secret)|Box says/)
    await box.close()
  })

  const failureFor = (boxMessage: string) =>
    new BoxError(
      { method: 'POST', path: '/oauth2/token' },
      { status: 400, code: 'invalid_grant', boxMessage },
    )

  test('are told of with words only, whatever else Box says', () => {
    const secret = fc.stringMatching(/^[\w+=~-]{6,40}$/).filter(text => /\d/.test(text) || text.length > 20)
    const text = fc.array(fc.oneof(fc.constantFrom('Please', 'check', "the 'sub' claim."), secret), {
      minLength: 1,
    })
    fc.assert(
      fc.property(text, words => {
        const { message } = failureFor(words.join(' ')).failure
        const isPlain = words.every(word => /^[A-Za-z' .]{1,20}$/.test(word)) && words.join(' ').length <= 200
        expect(message.includes('Box says')).toBe(isPlain)
        for (const word of words) if (/\d/.test(word)) expect(message).not.toContain(word)
      }),
      { seed: 16 },
    )
  })

  test('are reported with what Box says once', () => {
    const report = JSON.stringify(reportedError(failureFor('Grant credentials are invalid')))
    expect(report.match(/Grant credentials/g)).toHaveLength(1)
  })
})
