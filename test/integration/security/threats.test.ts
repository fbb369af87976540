import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../../../infra/build/bundle.ts'

const text = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const [, table = ''] = /## Threats\n\n([\s\S]*?)\n\n/.exec(text('docs/security.md')) ?? []
const rows = table.split('\n').slice(2)

describe('the threat model', () => {
  test.each(rows)('%s', row => {
    const links = [...row.matchAll(/`(test\/[\w./-]+)`: "([^"]+)"/g)]
    expect(links.length).toBeGreaterThan(0)
    expect(row.match(/`test\//g)).toHaveLength(links.length)
    for (const [, file = '', name = ''] of links)
      expect(
        text(file)
          .split('\n')
          .some(line => line.includes(`'${name}',`)),
        `${file} has a test "${name}"`,
      ).toBe(true)
  })

  test('has every test of this folder in it', () => {
    const tests = readdirSync(join(ROOT, 'test', 'integration', 'security')).filter(file =>
      file.endsWith('.test.ts'),
    )
    expect(tests.length).toBeGreaterThan(5)
    for (const file of tests) expect(text('docs/security.md')).toContain(`test/integration/security/${file}`)
    expect(rows.length).toBeGreaterThan(20)
  })
})
