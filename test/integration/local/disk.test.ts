import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile as write } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT } from '../../../infra/build/bundle.ts'
import { FileNotWritten, writeFile } from '../../../infra/build/write-file.ts'
import { ownFolder } from '../../../local/runtime/own-folder.ts'

let folder: string
beforeAll(async () => {
  await mkdir(join(ROOT, '.boxhooks'), { recursive: true })
  folder = await mkdtemp(join(ROOT, '.boxhooks', 'disk-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('a disk without room', () => {
  test.skipIf(process.platform === 'win32')('is told of with the file, the reason and what to do', () => {
    const code = `import { writeFile } from './infra/build/write-file.ts'
      await writeFile(process.argv[1], 'x'.repeat(20_000)).catch(error => console.log(error.message))`
    // As if there were no more room than 10 KB.
    const limited = `ulimit -f 10; exec "$0" --input-type=module -e "$1" "$2"`
    const file = join(folder, 'large')
    const { stdout } = spawnSync('bash', ['-c', limited, process.execPath, code, file], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
    })
    expect(stdout).toBe(
      `${file} can't be written (EFBIG). It would be larger than a file may be here. Raise the limit (\`ulimit -f\`), and try again.\n`,
    )
  })

  test.each([
    ['ENOSPC', 'The disk is full'],
    ['EDQUOT', 'The disk is full'],
    ['EROFS', 'You may not write there'],
    ['EACCES', 'You may not write there'],
    ['EIO', 'See what keeps it from being written'],
  ])('or that refuses with %s has its reason told', (code, reason) => {
    const { message } = new FileNotWritten('dist/x', Object.assign(new Error('secret'), { code }))
    expect(message).toContain(`dist/x can't be written (${code}). ${reason}`)
  })

  test('names the file that could not be written', async () => {
    const path = join(folder, 'none', 'x')
    await expect(writeFile(path, 'x')).rejects.toThrow(`${path} can't be written (ENOENT)`)
  })
})

describe('the folders of stacks that were killed', () => {
  const machine = hostname().replace(/[^\w-]/g, '_')

  test('are removed when the next one starts; those of stacks that run, here or on another machine, are not', async () => {
    const parent = join(folder, 'run')
    const { pid: dead } = spawnSync(process.execPath, ['-e', ''])
    const names = [
      `${machine}.${dead}.left`,
      `${machine}.${process.pid}.ours`,
      `${machine}.1.init`,
      `other.${dead}.x`,
      'y',
    ]
    for (const name of names) {
      await mkdir(join(parent, name), { recursive: true })
      await write(join(parent, name, 'index.mjs'), '')
    }
    const own = ownFolder(parent)
    expect(await readdir(parent)).toEqual(names.slice(1).sort())
    await mkdir(own)
    expect(ownFolder(parent)).not.toBe(own)
    expect(await readdir(parent)).toHaveLength(names.length)
  })
})
