import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Metafile } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EXAMPLES, FUNCTIONS, type FunctionName, ROOT, startFiles } from '../../../infra/build/bundle.ts'
import { readManifest } from '../../../infra/build/manifest.ts'
import type { Packaged } from '../../../infra/build/package.ts'
import { packagedLocal } from '../../support/packaged.ts'

const run = promisify(execFile)

/** The bundles of the stage local. */
const DIST = join(EXAMPLES, 'dist')
/** Inside the repository, so that what is in it finds the packages. */
let folder: string
let packaged: Packaged
let metafiles: Readonly<Record<FunctionName, Metafile>>
beforeAll(async () => {
  packaged = await packagedLocal()
  const read = (name: FunctionName): Metafile =>
    JSON.parse(readFileSync(join(DIST, 'meta', `${name}.json`), 'utf8'))
  metafiles = {
    ingest: read('ingest'),
    automate: read('automate'),
    reconcile: read('reconcile'),
    backfill: read('backfill'),
  }
  folder = await mkdtemp(join(ROOT, '.boxhooks', 'bundle-test-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const inputsOf = (name: FunctionName) => Object.keys(metafiles[name].inputs)
const packagesOf = (name: FunctionName) =>
  new Set(inputsOf(name).flatMap(file => file.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? []))
const outputOf = (name: FunctionName, file: string) => metafiles[name].outputs[file]
const startOf = (name: FunctionName) => startFiles(metafiles[name])

/** What each function may be made of; whoever goes beyond says why, and raises it here. */
const BUDGETS = {
  // 9 KB of it are aws4, which signs its two calls.
  ingest: { startBytes: 40 * 1024, ownBytes: 28 * 1024, packages: 3 },
  // 3 KB of it read every field of Box's payloads by its type, 9 KB follow what a run has begun, measure the room in its
  // record and look webhooks up, 5 KB treat Box's answers and tokens, 9 KB sign what the ledger asks.
  automate: { startBytes: 160 * 1024 },
  reconcile: { startBytes: 300 * 1024 },
} as const

test('no function loads more at its start than its budget has', () => {
  for (const name of ['ingest', 'automate', 'reconcile'] as const) {
    const start = startOf(name)
    const bytes = start.reduce((sum, file) => sum + (outputOf(name, file)?.bytes ?? 0), 0)
    expect(bytes, name).toBeLessThanOrEqual(BUDGETS[name].startBytes)
  }
  const [file = ''] = startOf('ingest')
  const own = Object.entries(outputOf('ingest', file)?.inputs ?? {}).filter(([input]) =>
    /^(lib|functions)\//.test(input),
  )
  expect(own.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0)).toBeLessThanOrEqual(
    BUDGETS.ingest.ownBytes,
  )
  expect(packagesOf('ingest').size).toBe(BUDGETS.ingest.packages)
})

test('ingest is one file of at most 60 KB', async () => {
  const code = (await readdir(join(DIST, 'ingest'))).filter(name => name.endsWith('.mjs'))
  const { size } = await stat(join(DIST, 'ingest', 'index.mjs'))
  expect(code).toEqual(['index.mjs'])
  expect(size).toBeLessThanOrEqual(60 * 1024)
})

test('ingest contains no SDK, of AWS or of Box, and nothing of what runs automations', () => {
  const packages = packagesOf('ingest')
  expect([...packages].sort()).toEqual(['@middy/core', '@middy/util', 'aws4'])
  const own = inputsOf('ingest').filter(file => /^(automations|functions|infra|lib|local)\//.test(file))
  expect(own).toContain('lib/ingest/signature.ts')
  expect(own.filter(file => /^automations|dispatch|ledger|automation|\/box|batch/.test(file))).toEqual([])
})

test('nothing but Node itself is left outside the bundles, not even the AWS SDK that Lambda has', () => {
  for (const name of FUNCTIONS) {
    const imports = Object.values(metafiles[name].outputs).flatMap(output => output.imports)
    const outside = imports.flatMap(({ external, path }) => (external && !isBuiltin(path) ? [path] : []))
    // node-fetch, which the Box SDK brings, tries to load "encoding" and does without where it is not there.
    expect(outside.filter(path => path !== 'encoding')).toEqual([])
  }
})

test('automate loads the Box SDK only when a run calls Box', () => {
  const start = startOf('automate')
  const atStart = start.flatMap(file => Object.keys(outputOf('automate', file)?.inputs ?? {}))
  expect(packagesOf('automate')).toContain('box-node-sdk')
  expect(atStart.filter(file => file.includes('node_modules/box-node-sdk/'))).toEqual([])
  for (const needed of ['client-dynamodb', 'automations/archive-uploads.ts'])
    expect(atStart.some(file => file.includes(needed))).toBe(true)
})

test('automate loads AWS’s clients of SQS and Secrets Manager only when it needs them', () => {
  const start = startOf('automate')
  const atStart = start.flatMap(file => Object.keys(outputOf('automate', file)?.inputs ?? {}))
  expect(packagesOf('automate')).toContain('@aws-sdk/client-sqs')
  expect(
    atStart.filter(file => /client-sqs|client-secrets-manager|signature-v4|credential/.test(file)),
  ).toEqual([])
})

test('reconcile and backfill, too, load the Box SDK only when they call Box', () => {
  for (const name of ['reconcile', 'backfill'] as const) {
    const start = startOf(name)
    const atStart = start.flatMap(file => Object.keys(outputOf(name, file)?.inputs ?? {}))
    expect(atStart.filter(file => file.includes('node_modules/box-node-sdk/'))).toEqual([])
    const bytes = start.reduce((sum, file) => sum + (outputOf(name, file)?.bytes ?? 0), 0)
    expect(bytes, name).toBeLessThanOrEqual(400 * 1024)
  }
})

test('both bundles load on their own, and so does the Box SDK in its chunk', async () => {
  const entries = ['ingest', 'automate'].map(name => join(DIST, name, 'index.mjs'))
  const sdk = Object.keys(metafiles.automate.outputs).filter(file =>
    outputOf('automate', file)?.entryPoint?.endsWith('lib/box/connected-app.ts'),
  )
  expect(sdk.length).toBeGreaterThan(0)
  const script = `for (const file of process.argv.slice(1)) {
    const module = await import(file)
    console.log(typeof module.handler, typeof module.connectApp)
  }`
  const files = [...entries, ...sdk.map(file => join(ROOT, file))]
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, '--', ...files])
  expect(stdout.split('\n').slice(0, 2)).toEqual(['function undefined', 'function undefined'])
  expect(stdout).toContain('undefined function')
})

test('a source map lies beside each file, and names sources without their text', async () => {
  const map: { sources: string[]; sourcesContent?: unknown } = JSON.parse(
    await readFile(join(DIST, 'ingest', 'index.mjs.map'), 'utf8'),
  )
  expect(map.sources.some(source => source.endsWith('lib/ingest/signature.ts'))).toBe(true)
  expect(map.sourcesContent).toBeUndefined()
})

test('the manifest lists what the automations declare, in the order of their files', async () => {
  const written: unknown = JSON.parse(await readFile(join(DIST, 'automations.json'), 'utf8'))
  expect(written).toEqual(packaged.manifest)
  expect(packaged.manifest.map(({ file }) => file)).toEqual(
    packaged.manifest.map(({ file }) => file).toSorted(),
  )
  expect(packaged.manifest).toContainEqual({
    file: 'archive-uploads.ts',
    name: 'archive-uploads',
    on: ['FILE.UPLOADED'],
    watch: [{ type: 'folder', id: '${REVIEW_FOLDER_ID}' }],
    settings: {
      REVIEW_FOLDER_ID: 'The folder that is watched.',
      ARCHIVE_FOLDER_ID: expect.stringContaining('copies'),
    },
  })
})

/** What automations declare: file name → code, where AUTOMATION stands for the import. */
async function manifestOf(name: string, files: Record<string, string>) {
  const automationsDir = join(folder, name)
  await mkdir(automationsDir)
  const imported = `import { automation } from ${JSON.stringify(join(ROOT, 'index.ts'))}`
  for (const [file, code] of Object.entries(files))
    await writeFile(join(automationsDir, file), code.replace('AUTOMATION', imported))
  return readManifest(automationsDir, join(folder, 'declarations'))
}

const declared = (name: string) =>
  `AUTOMATION\nexport default automation({ name: '${name}', on: 'FILE.UPLOADED', watch: { folder: '1' }, async run() {} })\n`

test('a file that is no automation is refused by its name', async () => {
  const refused = (name: string, code: string) => expect(manifestOf(name, { 'mine.ts': code })).rejects
  await refused('none', 'export const x = 1').toThrow(/mine\.ts has no automation as its default export/)
  await refused('other', 'export default { name: "x" }').toThrow(/mine\.ts has no automation/)
  await refused('broken', 'export default automation({').toThrow(/mine\.ts does not compile/)
  await refused('throws', declared('Not Kebab')).toThrow(/mine\.ts can't be loaded: .*kebab-case/)
})

test('an automation that asks for more time than its function has is refused, with what it may ask for', async () => {
  const asking = (name: string, seconds: number) => {
    const code = declared('slow').replace('async run', `timeoutSeconds: ${seconds}, async run`)
    return manifestOf(name, { 'slow.ts': code })
  }
  await expect(asking('too-long', 58)).rejects.toThrow(
    /slow\.ts: timeoutSeconds is 58, and the function automate has 60 s, .* Ask for at most 57/,
  )
  await expect(asking('long', 57)).resolves.toHaveLength(1)
})

test('two automations of one name are refused, naming both files', async () => {
  const twins = manifestOf('twins', { 'a.ts': declared('same'), 'b.ts': declared('same') })
  await expect(twins).rejects.toThrow(/a\.ts and b\.ts both declare an automation named "same"/)
})
