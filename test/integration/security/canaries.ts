import { expect } from 'vitest'

/** Secrets and private things, each a text that stands nowhere by chance. */
export const CANARIES = {
  primaryKey: 'cnry-primary-key-1f',
  secondaryKey: 'cnry-secondary-key-2e',
  clientSecret: 'cnry-client-secret-3d',
  passphrase: 'cnry-passphrase-4c',
  privateKey: 'cnry-private-key-5b',
  token: 'cnry-access-token-6a',
  fileName: 'cnry file name 79.pdf',
  email: 'cnry-88@private.example',
  comment: 'cnry comment text 97',
  awsText: 'cnry-aws-text-a6',
} as const

/** No canary stands in a text, nor a recognisable piece of one, nor its base64. */
export function expectNoCanary(told: unknown): void {
  const text = typeof told === 'string' ? told : JSON.stringify(told)
  expect(text.match(/.{0,60}cnry.{0,60}/gi)).toBeNull()
  for (const canary of Object.values(CANARIES))
    expect(text).not.toContain(Buffer.from(canary).toString('base64').slice(0, 12))
}
