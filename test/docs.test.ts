import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../infra/bundle.ts'
import { BACKFILL_CODES } from '../lib/backfill/backfill-request.ts'
import { BoxError } from '../lib/box-error.ts'
import { CAUSES } from '../lib/doctor/causes.ts'
import { FAILURE_CODES } from '../lib/errors.ts'
import { TRIGGERS } from '../lib/event.ts'
import { ANSWERS } from '../lib/ingest.ts'
import { V1_ANSWERS } from '../lib/ingest-v1.ts'
import { WEBHOOK_REASONS } from '../lib/webhooks.ts'

const text = (file: string) => readFileSync(join(ROOT, file), 'utf8')

test('the README shows the reference automation as it is', () => {
  expect(text('README.md')).toContain(text('automations/remove-shared-link.ts').trim())
})

test('docs/errors.md has every code there is, and no other', () => {
  const documented = [...text('docs/errors.md').matchAll(/^\| `([a-z0-9_]+)` \|/gm)].map(([, code]) => code)
  const codes = new Set([
    ...Object.keys(ANSWERS),
    ...Object.keys(V1_ANSWERS),
    'v1_parameter_missing',
    'header_missing',
    'request_invalid',
    ...BACKFILL_CODES,
    ...FAILURE_CODES,
  ])
  expect([...new Set(documented)].sort()).toEqual([...codes].sort())
})

test('every way in which a Box call fails is documented', () => {
  for (const status of [0, 400, 401, 403, 404, 408, 409, 412, 429, 500, 502, 503]) {
    const { failure } = new BoxError({ method: 'GET', path: '/' }, { status })
    expect(text('docs/errors.md')).toContain(`\`${failure.code}\` | ${failure.class}`)
  }
})

test('docs/webhooks.md has every reason there is, and no other', () => {
  const documented = [...text('docs/webhooks.md').matchAll(/^\| `([a-z_]+)` \|/gm)].map(
    ([, reason]) => reason,
  )
  expect(documented.sort()).toEqual([...WEBHOOK_REASONS].sort())
})

test('docs/verify.md has every cause that the signature doctor can name, as it says it, and no other', () => {
  const [, causes = ''] = text('docs/verify.md').split('| Cause |')
  const documented = [...causes.matchAll(/^\| `([a-z0-9_]+)` \| (.+) \|$/gm)].map(([, cause, says]) => [
    cause,
    says,
  ])
  expect(documented.sort()).toEqual(
    Object.entries(CAUSES)
      .map(([cause, { says }]) => [cause, says])
      .sort(),
  )
})

test('the guide lists every trigger', () => {
  for (const trigger of Object.keys(TRIGGERS))
    expect(text('docs/write-an-automation.md')).toContain(`\`${trigger}\``)
})
