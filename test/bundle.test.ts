import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BundleResult, bundle, ROOT, startFiles } from '../infra/bundle.ts'
import { readManifest } from '../infra/manifest.ts'

let outDir: string
let built: BundleResult
beforeAll(async () => {
  outDir = await mkdtemp(join(ROOT, '.boxhooks', 'bundle-test-'))
  built = await bundle({ outDir })
})
afterAll(() => rm(outDir, { recursive: true }))

/** The packages and files of ours that go into some of a bundle's files. */
function inputs(name: 'ingest' | 'automate', files: readonly string[]): string[] {
  const { outputs } = built.functions[name].metafile
  return files.flatMap(file => Object.keys(outputs[file]?.inputs ?? {}))
}

describe('the bundles', () => {
  test('ingest is at most 400 KB, and holds neither the Box SDK nor a DynamoDB client', () => {
    const { metafile, bytes } = built.functions.ingest
    const all = inputs('ingest', Object.keys(metafile.outputs))
    expect(bytes).toBeLessThanOrEqual(400 * 1024)
    expect(all.filter(file => /box-node-sdk|client-dynamodb|automations\//.test(file))).toEqual([])
  })

  test('automate loads the Box SDK only when a run calls Box', () => {
    const { metafile } = built.functions.automate
    const start = inputs('automate', startFiles(metafile))
    expect(start.some(file => file.includes('automations/'))).toBe(true)
    expect(start.filter(file => file.includes('box-node-sdk'))).toEqual([])
    const all = inputs('automate', Object.keys(metafile.outputs))
    expect(all.some(file => file.includes('box-node-sdk'))).toBe(true)
  })
})

describe('the manifest', () => {
  test('lists what the automations declare, in the order of their files', () => {
    expect(built.manifest.map(({ name }) => name)).toEqual([
      'archive-uploads',
      'remove-outside-collaborators',
      'remove-shared-link-after-download',
    ])
    expect(built.manifest[2]).toEqual({
      file: 'remove-shared-link.ts',
      name: 'remove-shared-link-after-download',
      on: ['FILE.DOWNLOADED'],
      watch: [{ type: 'folder', id: '${REVIEW_FOLDER_ID}' }],
      settings: { REVIEW_FOLDER_ID: 'The folder that is watched.' },
    })
  })

  const declare = (name: string) =>
    `import { automation } from '../../lib/automation.ts'
     export default automation({ name: '${name}', on: 'FILE.LOCKED', watch: { folder: '1' }, run() {} })`

  test.each<[string, Record<string, string>, RegExp]>([
    ['no default export', { 'a.ts': 'export const a = 1' }, /a\.ts has no automation as its default export/],
    ['a mistake in the code', { 'a.ts': 'export default {' }, /a\.ts does not compile/],
    [
      'a declaration that is refused',
      { 'a.ts': declare('Not Kebab') },
      /a\.ts can't be loaded: .*kebab-case/s,
    ],
    [
      'one name twice',
      { 'a.ts': declare('same'), 'b.ts': declare('same') },
      /a\.ts and b\.ts both declare .*"same"/,
    ],
  ])('of a folder with %s says which file and why', async (_, files, message) => {
    const folder = await mkdtemp(join(ROOT, '.boxhooks', 'automations-'))
    for (const [file, code] of Object.entries(files)) await writeFile(join(folder, file), code)
    await expect(readManifest(folder, join(folder, 'work'))).rejects.toThrow(message)
    await rm(folder, { recursive: true })
  })
})
