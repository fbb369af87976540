import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as boxhooks from 'boxhooks'
import { describe, expect, test } from 'vitest'
import { automationCode, testCode } from '../../../cli/new/automation-template.ts'
import { ROOT } from '../../../infra/build/bundle.ts'

test('boxhooks gives authors these names, and no other', () => {
  expect(Object.keys(boxhooks).sort()).toEqual([
    'BoxError',
    'PermanentError',
    'RetryLater',
    'automation',
    'isBoxError',
    'pathOf',
    'skip',
  ])
})

/** What a module imports from. */
const imported = (code: string): string[] =>
  [...code.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)].map(([, specifier = '']) => specifier)

/** The blocks of TypeScript in a page. */
const blocks = (markdown: string): string =>
  [...markdown.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = '']) => code).join('\n')

describe('the engine is imported by its two names only', () => {
  const files = globSync(['examples/{automations,test}/**/*.ts', 'README.md', 'docs/*.md'], { cwd: ROOT })
  const sample = {
    name: 'sample',
    on: ['FILE.LOCKED'],
    watch: [{ type: 'folder', id: '1' }],
    settings: [],
  } as const
  const written = (file: string): string => {
    const text = readFileSync(join(ROOT, file), 'utf8')
    return file.endsWith('.md') ? blocks(text) : text
  }

  test.each([
    ...files.map(file => [file, () => written(file)] as const),
    ['the automation that boxhooks new writes', () => automationCode(sample)] as const,
    ['the test that boxhooks new writes', () => testCode(sample)] as const,
  ])('in %s', (_, codeOf) => {
    const own = imported(codeOf()).filter(from => !/^(node:|vitest$)/.test(from))
    for (const from of own) expect(from).toMatch(/^(boxhooks(\/test)?|(\.\.\/)+(automations|fixtures)\/.*)$/)
  })

  test('which the samples do', () => {
    expect(files.length).toBeGreaterThan(10)
    expect(files.flatMap(file => imported(written(file)))).toEqual(
      expect.arrayContaining(['boxhooks', 'boxhooks/test']),
    )
  })
})
