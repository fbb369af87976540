import { globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../../infra/build/bundle.ts'

/** Which room may import from which; every room may import from itself. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  examples: [],
  functions: ['lib'],
  infra: ['lib'],
  local: ['functions', 'lib', 'infra'],
  conformance: ['local', 'lib'],
  cli: ['local', 'infra', 'lib', 'conformance', 'package.json'],
}

function sources(folder: string): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  return files
    .filter(file => /\.(ts|tsx|cjs|mjs|js)$/.test(file) && !/^dist\b/.test(file))
    .map(file => join(folder, file))
}

/** The rooms of lib, from the bottom up, and what each may import besides itself. Read upwards it is docs/design.md's table. */
const LIB_ARROWS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  aws: ['base'],
  log: ['base'],
  event: ['base'],
  queue: ['event', 'base'],
  box: ['event', 'log', 'base'],
  automation: ['box', 'event', 'log', 'base'],
  ingest: ['aws', 'queue', 'event', 'log', 'base'],
  ledger: ['aws', 'event', 'base'],
  webhooks: ['automation', 'box', 'event', 'log', 'base'],
  operations: ['ledger', 'queue', 'event', 'log', 'base'],
  backfill: ['webhooks', 'automation', 'ledger', 'queue', 'box', 'event', 'log', 'base'],
  automate: ['webhooks', 'automation', 'ledger', 'queue', 'box', 'event', 'log', 'base'],
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
    globSync('infra/*/*.yml', { cwd: ROOT })
      .map(file => readFileSync(join(ROOT, file), 'utf8').replaceAll('${self:custom.boxhooks}', 'infra'))
      .join('\n')
  const byName = [
    'local/runtime/lambda-worker.ts',
    'local/inspector/page/main.tsx',
    'local/aws/dynalite.d.ts',
  ]
  const orphans = ['lib', 'infra', 'local', 'conformance', 'cli']
    .flatMap(sources)
    .filter(file => !imported.has(file) && !named.includes(file) && !byName.includes(file))
  expect(orphans.map(file => relative('.', file))).toEqual([])
})

/** Parts of rooms that are still to be moved or taken apart; this list only gets shorter. */
const TO_BE_MOVED = /^(lib\/doctor|lib$|lib\/key[\w-]*\.ts|cli\/verify)/

test('a room of lib imports only what it may', () => {
  const found = new Map(Object.keys(LIB_ARROWS).map(room => [room, new Set<string>()]))
  for (const file of sources('lib').filter(file => !TO_BE_MOVED.test(file))) {
    const [, room = ''] = file.split('/')
    expect(Object.keys(LIB_ARROWS), `${file} must be in a room of lib`).toContain(room)
    for (const imported of imports(file)) {
      if (TO_BE_MOVED.test(imported)) continue
      const [, to = ''] = imported.split('/')
      expect([room, ...(LIB_ARROWS[room] ?? [])], `${file} imports ${imported}`).toContain(to)
      if (to !== room) found.get(room)?.add(to)
    }
  }
})

/** What a file of the CLI belongs to: its command's folder, or itself at the root. */
const commandOf = (file: string): string => file.split('/').slice(0, 2).join('/')

test('a command imports no other command; shared code is in cli/stage and cli/terminal', () => {
  const shared = ['cli/stage', 'cli/terminal']
  const assembled = ['cli/commands.ts', 'cli/program.ts', 'cli/main.ts']
  for (const file of sources('cli').filter(file => !assembled.includes(file))) {
    const own = shared.includes(commandOf(file)) ? shared : [commandOf(file), ...shared]
    for (const imported of imports(file).filter(to => to.startsWith('cli/')))
      expect(own, `${file} imports ${imported}`).toContain(commandOf(imported))
  }
})

test('no room has more than 12 files or 1,750 lines, and no file more than 350 lines', () => {
  const rooms = Map.groupBy(Object.keys(ARROWS).flatMap(sources), dirname)
  const lines = (file: string): number => readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1
  const tooLarge = [...rooms].flatMap(([room, files]) => {
    const total = files.reduce((sum, file) => sum + lines(file), 0)
    if (TO_BE_MOVED.test(room)) return []
    const long = files.filter(file => lines(file) > 350).map(file => `${file} has ${lines(file)} lines`)
    const large =
      files.length > 12 || total > 1750 ? [`${room} has ${files.length} files, ${total} lines`] : []
    return [...large, ...long]
  })
  expect(tooLarge).toEqual([])
})

/** Groups of files of a folder that import one another in a circle. */
function circles(files: readonly string[]): string[] {
  const arrows = new Map(files.map(file => [file, imports(file)]))
  const reached = (from: string): Set<string> => {
    const found = new Set(arrows.get(from))
    for (const file of found) for (const next of arrows.get(file) ?? []) found.add(next)
    return found
  }
  return files.filter(file => reached(file).has(file))
}

test('no files import one another in a circle', () => {
  expect(circles(Object.keys(ARROWS).flatMap(sources)).filter(file => !TO_BE_MOVED.test(file))).toEqual([])
})

test('ingest reaches only four rooms besides its own, and nothing of Box or the ledger', () => {
  const found = new Set(['functions/ingest.ts'])
  for (const file of found) for (const next of imports(file)) found.add(next)
  const rooms = new Set([...found].filter(file => !TO_BE_MOVED.test(file)).map(dirname))
  expect([...rooms].sort()).toEqual([
    'functions',
    'lib/aws',
    'lib/base',
    'lib/event',
    'lib/ingest',
    'lib/log',
    'lib/queue',
  ])
})
