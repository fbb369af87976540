import { execFileSync, spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { curlOf } from '../../../local/inspector/curl.ts'

/** What a shell makes of a command: the arguments that curl would get. */
function argumentsIn(command: string): string[] {
  const told = execFileSync('sh', ['-c', `curl() { printf '%s\\0' "$@"; }\n${command}`])
  return told.toString().split('\0').slice(0, -1)
}

const delivery = (fields: { body?: string; headers?: Record<string, string> } = {}) => ({
  method: 'POST',
  path: '/box/webhook',
  headers: {},
  body: '',
  ...fields,
})

const noShell = spawnSync('sh', ['-c', 'exit 0']).status !== 0

describe.skipIf(noShell)('the curl command of a delivery', () => {
  test('has the address, Box’s headers and the body, and leaves to curl what is curl’s', () => {
    const headers = { host: 'localhost', 'content-length': '2', 'box-delivery-id': 'd' }
    const command = curlOf(delivery({ headers, body: '{}' }), 'http://localhost:4400')
    expect(argumentsIn(command)).toEqual([
      '-i',
      '-X',
      'POST',
      'http://localhost:4400/box/webhook',
      '-H',
      'box-delivery-id: d',
      '--data-binary',
      '{}',
    ])
  })

  test('sends no body where there is none', () => {
    expect(argumentsIn(curlOf(delivery(), 'http://localhost:1'))).not.toContain('--data-binary')
  })

  test('gets any body and header through a shell unharmed, and runs nothing of it', () => {
    const text = fc.string({ unit: 'grapheme' }).map(one => one.replaceAll('\0', ''))
    const hostile = fc.constantFrom(`'; echo run; '`, '$(echo run)', '`echo run`', "'\\''", '\\', '\n', '"')
    fc.assert(
      fc.property(fc.array(fc.oneof(text, hostile), { minLength: 1 }), text, (parts, header) => {
        const body = `{${parts.join('')}}`
        const told = argumentsIn(curlOf(delivery({ body, headers: { 'x-any': header } }), 'http://localhost'))
        expect(told.slice(4)).toEqual(['-H', `x-any: ${header}`, '--data-binary', body])
      }),
      { numRuns: 8 },
    )
  })
})
