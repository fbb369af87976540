import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readNamedFile } from '../../cli/verify/named-file.ts'
import { readCaptures } from '../../cli/verify/read-captures.ts'
import { ROOT } from '../../infra/build/bundle.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boxhooks-named-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const capture = (file: string) => readCaptures(Buffer.from(`curl x -d @${file}`), { readFile: readNamedFile })

describe('a file that a curl command names', () => {
  test('is read where it is a regular one, and the report says which', () => {
    const file = join(folder, 'body.json')
    writeFileSync(file, '{"a":1}')
    const [one] = capture(file)
    expect(Buffer.from(one?.body ?? []).toString()).toBe('{"a":1}')
    expect(one?.notes).toEqual([`The curl command names a file, which was read: ${file}`])
  })

  test('may be empty', () => {
    const file = join(folder, 'empty')
    writeFileSync(file, '')
    expect(capture(file)).toMatchObject([{ body: Buffer.alloc(0) }])
  })

  test.skipIf(process.platform === 'win32')('is refused where it would go on for ever', () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    for (const file of ['/dev/zero', '/dev/null', pipe, folder])
      expect(() => capture(file)).toThrow(`${file}, which the curl command names, is not a regular file`)
  })

  test.skipIf(process.platform !== 'linux')('is empty where the kernel makes it up', () => {
    expect(capture('/proc/self/environ')).toMatchObject([{ body: Buffer.alloc(0) }])
  })

  test('is refused where it is larger than a delivery can be, without being read', () => {
    const file = join(folder, 'large')
    writeFileSync(file, '')
    truncateSync(file, 2 ** 40)
    expect(() => capture(file)).toThrow('has 1099511627776 bytes, more than any delivery')
  })

  test('is refused where it is standard input, which is not in the command', () => {
    expect(() => capture('-')).toThrow('takes its body from standard input')
  })

  test('is told of without what would do something to a terminal', () => {
    expect(() => capture(`'${folder}/\u001b[2J'`)).toThrow(`${folder}/\ufffd[2J can't be read (ENOENT)`)
  })
})

test.skipIf(process.platform === 'win32')(
  'boxhooks verify ends at once where a capture names what never ends',
  () => {
    const keys = join(folder, 'keys.json')
    writeFileSync(keys, '{"primary":"0123456789abcdef"}')
    const args = ['cli/main.ts', 'verify', '--curl', 'curl x -d @/dev/zero', '--keys', keys]
    const { status, stderr, signal } = spawnSync(process.execPath, args, {
      cwd: ROOT,
      encoding: 'utf8',
      timeout: 20_000,
    })
    expect({ status, signal }).toEqual({ status: 2, signal: null })
    expect(stderr).toContain('/dev/zero, which the curl command names, is not a regular file')
  },
)
