import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundle, EXAMPLES, ROOT } from '../../../infra/build/bundle.ts'

/** Inside the repository, so that what is built here finds the packages. */
let folder: string
beforeAll(async () => {
  await mkdir(join(ROOT, '.boxhooks'), { recursive: true })
  folder = await mkdtemp(join(ROOT, '.boxhooks', 'bundle-test-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Writes automations into a folder of their own: file name → code, where AUTOMATION stands for the import. */
async function automationsIn(name: string, files: Record<string, string>): Promise<string> {
  const automationsDir = join(folder, name)
  await mkdir(automationsDir, { recursive: true })
  const imported = `import { automation } from ${JSON.stringify(join(ROOT, 'index.ts'))}`
  for (const [file, code] of Object.entries(files))
    await writeFile(join(automationsDir, file), code.replace('AUTOMATION', imported))
  return automationsDir
}

const bundleOf = async (name: string, files: Record<string, string>) =>
  bundle({ automationsDir: await automationsIn(name, files), outDir: join(folder, `${name}-dist`) })

const declared = (name: string) =>
  `AUTOMATION\nexport default automation({ name: '${name}', on: 'FILE.UPLOADED', watch: { folder: '1' }, async run() {} })\n`

test('the same sources give the same bytes, and files that stay the same are left untouched', async () => {
  const build = () => bundle({ project: EXAMPLES, outDir: join(folder, 'dist') })
  await build()
  const file = join(folder, 'dist', 'automate', 'index.mjs')
  const stray = join(folder, 'dist', 'automate', 'chunk-OLD.mjs')
  await writeFile(stray, '')
  const [before, code] = [await stat(file), await readFile(file)]
  await build()
  expect((await stat(file)).mtimeMs).toBe(before.mtimeMs)
  expect((await readFile(file)).equals(code)).toBe(true)
  await expect(stat(stray)).rejects.toThrow('ENOENT')
})

test('adding an automation takes one file; tests beside it are left out', async () => {
  const { manifest, functions } = await bundleOf('added', {
    'b.ts': declared('second'),
    'a.ts': declared('first'),
    'a.test.ts': 'throw new Error("not to be run")',
  })
  expect(manifest.map(({ name }) => name)).toEqual(['first', 'second'])
  const inputs = Object.keys(functions.automate.metafile.inputs)
  expect(inputs.filter(file => file.includes('/added/')).map(file => file.split('/').at(-1))).toEqual([
    'a.ts',
    'b.ts',
  ])
})

test('a folder without automations builds, and declares nothing', async () => {
  expect((await bundleOf('empty', {})).manifest).toEqual([])
})
