import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../../infra/build/bundle.ts'
import { isObject } from '../../lib/base/json.ts'

/** Programs other than Node that a test may start, if they are installed. */
const OPTIONAL = ['bash', 'cfn-lint', 'git', 'moto_server', 'openssl', 'python3', 'sh']

/** Every source that starts processes, with its code. */
const STARTERS = globSync('{bench,cli,conformance,functions,infra,lib,local,test}/**/*.{ts,tsx,mjs,cjs}', {
  cwd: ROOT,
  exclude: ['bench/node_modules'],
})
  .map(file => [file.replaceAll('\\', '/'), readFileSync(join(ROOT, file), 'utf8')] as const)
  .filter(([, code]) => code.includes("from 'node:child_process'"))

test('every process is Node with a script, or an optional program of a test', () => {
  const started = STARTERS.flatMap(([file, code]) =>
    [...code.matchAll(/\b(?:spawn|spawnSync|execFile|execFileSync)\(\s*([^,)\s]+)/g)].map(
      ([, program = '']) => [file, program] as const,
    ),
  )
  expect(started.length).toBeGreaterThan(10)
  for (const [file, program] of started) {
    const optional = file.startsWith('test/') && OPTIONAL.includes(program.replaceAll("'", ''))
    // cli/boxhooks.mjs starts the Node that is installed beside it.
    if (!optional) expect(['process.execPath', 'node'], file).toContain(program)
  }
})

test('no process is started through a shell', () => {
  for (const [file, code] of STARTERS) {
    expect(code, file).not.toMatch(/import \{[^}]*\bexec(?:Sync)?\b[^}]*\} from 'node:child_process'/)
    expect(code, file).not.toMatch(/\bshell: (?!false)/)
  }
})

test('the scripts of package.json mean the same in every shell', () => {
  const manifest: unknown = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const scripts = isObject(manifest) && isObject(manifest.scripts) ? Object.entries(manifest.scripts) : []
  expect(scripts.length).toBeGreaterThan(5)
  for (const [name, script] of scripts) expect(script, name).toMatch(/^(?:node|biome) [\w ./-]+$/)
})
