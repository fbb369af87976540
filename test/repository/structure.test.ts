import { globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../../infra/bundle.ts'

/** Which room may import from which; every room may import from itself. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  examples: [],
  functions: ['lib'],
  infra: ['lib'],
  local: ['functions', 'lib', 'infra'],
  conformance: ['local', 'lib'],
  cli: ['local', 'infra', 'lib', 'conformance'],
}

function sources(folder: string): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  return files.filter(file => /\.(ts|tsx|cjs|mjs|js)$/.test(file)).map(file => join(folder, file))
}

/** The files that a file imports from this repository, as paths from its root. */
function imports(file: string): string[] {
  const code = readFileSync(join(ROOT, file), 'utf8')
  const specifiers = [...code.matchAll(/(?:from|import|require)\s*\(?\s*'(\.[^']+)'/g)].map(
    ([, specifier = '']) => specifier,
  )
  return specifiers.map(specifier => normalize(join(dirname(file), specifier)))
}

test.each(Object.keys(ARROWS))('%s imports only what its room may', room => {
  const files = sources(room)
  expect(files.length).toBeGreaterThan(0)
  for (const file of files)
    for (const imported of imports(file)) {
      const [to = ''] = imported.split('/')
      expect([room, ...(ARROWS[room] ?? [])], `${file} imports ${imported}`).toContain(to)
    }
})

test('no file is an orphan: every one of lib, infra and local is imported, or run by name', () => {
  const rooms = [...Object.keys(ARROWS), 'test']
  const imported = new Set(rooms.flatMap(sources).flatMap(imports))
  const named =
    readFileSync(join(ROOT, 'package.json'), 'utf8') +
    globSync('infra/*.yml', { cwd: ROOT })
      .map(file => readFileSync(join(ROOT, file), 'utf8').replaceAll('${self:custom.boxhooks}', 'infra'))
      .join('\n')
  const byName = ['local/lambda-worker.ts', 'local/inspector/page/main.tsx', 'local/dynalite.d.ts']
  const orphans = ['lib', 'infra', 'local', 'conformance', 'cli']
    .flatMap(sources)
    .filter(file => !imported.has(file) && !named.includes(file) && !byName.includes(file))
  expect(orphans.map(file => relative('.', file))).toEqual([])
})

test('ingest reaches only what it needs', () => {
  const found = new Set(['functions/ingest.ts'])
  for (const file of found) for (const next of imports(file)) found.add(next)
  expect([...found].sort()).toEqual([
    'functions/ingest.ts',
    'lib/aws-call.ts',
    'lib/aws-endpoint.ts',
    'lib/aws-error.ts',
    'lib/aws-http.ts',
    'lib/aws-sign.ts',
    'lib/config.ts',
    'lib/delivery.ts',
    'lib/event-body.ts',
    'lib/event-v1.ts',
    'lib/ingest-aws.ts',
    'lib/ingest-function.ts',
    'lib/ingest-v1.ts',
    'lib/ingest.ts',
    'lib/json.ts',
    'lib/key-fields.ts',
    'lib/log-sample.ts',
    'lib/log.ts',
    'lib/message-sender.ts',
    'lib/message.ts',
    'lib/metrics.ts',
    'lib/signature-keys.ts',
    'lib/signature.ts',
    'lib/timestamp.ts',
  ])
})
