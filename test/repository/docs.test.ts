import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../../infra/build/bundle.ts'
import { BACKFILL_CODES } from '../../lib/backfill/backfill-request.ts'
import { FAILURE_CODES } from '../../lib/base/errors.ts'
import { BoxError } from '../../lib/box/box-error.ts'
import { CAUSES } from '../../lib/doctor/causes.ts'
import { TRIGGERS } from '../../lib/event/event.ts'
import { ANSWERS } from '../../lib/ingest/ingest.ts'
import { V1_ANSWERS } from '../../lib/ingest/ingest-v1.ts'
import { WEBHOOK_REASONS } from '../../lib/webhooks/plan.ts'

const text = (file: string) => readFileSync(join(ROOT, file), 'utf8')

test('the README shows the reference automation as it is', () => {
  expect(text('README.md')).toContain(text('examples/automations/remove-shared-link.ts').trim())
})

/** Every code that stands anywhere in the code: as an object's or a class's `code`, or in a type of codes. */
function writtenCodes(): Set<string> {
  const files = ['lib', 'functions', 'cli'].flatMap(folder =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.ts'))
      .map(file => text(`${folder}/${file}`)),
  )
  const code = files.join('\n\n')
  const types = [...code.matchAll(/type (?:\w+Code|SignatureRule) =\s([\s\S]*?)\n\n/g)].map(([all]) => all)
  expect(types.length).toBeGreaterThanOrEqual(3)
  const codes = [
    ...code.matchAll(/\bcode(?:: \w+)? ?[:=] '([a-z0-9_]+)'/g),
    ...types.join('\n').matchAll(/'([a-z0-9_]+)'/g),
    ...code.matchAll(/new ReplayImpossible\(\s*'([a-z0-9_]+)'/g),
    ...code.matchAll(/\.code \?\? '([a-z0-9_]+)'/g),
  ]
  return new Set(codes.map(([, found = '']) => found))
}

test('docs/errors.md has every code there is, and no other, and says of each what to do', () => {
  const errors = text('docs/errors.md')
  const rows = [...errors.matchAll(/^\| `([a-z0-9_]+)` \|(.*)\|$/gm)]
  const headings = [...errors.matchAll(/^### (\w+)$/gm)].map(([, code = '']) => code)
  const documented = [...rows.map(([, code = '']) => code), ...headings]
  const codes = new Set([
    ...Object.keys(ANSWERS),
    ...Object.keys(V1_ANSWERS),
    ...BACKFILL_CODES,
    ...FAILURE_CODES,
    ...writtenCodes(),
  ])
  for (const known of [
    'header_missing',
    'v1_parameter_missing',
    'request_invalid',
    'config_invalid',
    'no_record',
  ])
    expect(codes).toContain(known)
  expect(documented.toSorted()).toEqual([...codes].sort())
  for (const [, code, rest = ''] of rows)
    for (const cell of rest.split(/(?<!\\)\|/)) expect(cell.trim(), code).not.toBe('')
})

test('every way in which a Box call fails is documented', () => {
  for (const status of [0, 202, 400, 401, 403, 404, 408, 409, 412, 429, 500, 502, 503]) {
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

test('the README has at most 120 lines of at most 100 characters', () => {
  const lines = text('README.md').trimEnd().split('\n')
  expect(lines.length).toBeLessThanOrEqual(120)
  expect(lines.filter(line => [...line].length > 100)).toEqual([])
})
