import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REQUIREMENTS } from '../../conformance/requirements.ts'
import { runCommand } from '../support/command.ts'
import { naive, onSdk, type Running, serveReceiver } from '../support/receivers.ts'

const KEYS = { primary: 'canary-primary-key', secondary: 'canary-secondary-key' }
let folder: string
let good: Running
let bad: Running

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxhooks-conformance-'))
  good = await serveReceiver(onSdk, KEYS)
  bad = await serveReceiver(naive, KEYS)
  await writeFile(join(folder, 'primary'), `${KEYS.primary}\n`)
  await writeFile(join(folder, 'secondary'), KEYS.secondary)
  await writeFile(join(folder, 'empty'), '\n')
})
afterAll(async () => {
  await Promise.all([good.close(), bad.close()])
  await rm(folder, { recursive: true })
})

/** Runs it without keys in its environment but those given. */
const boxhooks = (args: readonly string[], env: Record<string, string> = {}) =>
  runCommand(['conformance', ...args], {
    env: { BOXHOOKS_PRIMARY_KEY: undefined, BOXHOOKS_SECONDARY_KEY: undefined, ...env },
  })

const keyFiles = () => [
  '--primary-key-file',
  join(folder, 'primary'),
  '--secondary-key-file',
  join(folder, 'secondary'),
]

describe('boxhooks conformance', { timeout: 60_000 }, () => {
  test('ends with 0 and a report where all that must hold does', async () => {
    const { code, out } = await boxhooks([good.url.href, ...keyFiles(), '--only', 'signature', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ url: good.url.href, passed: 7, failed: 1, skipped: 0 })
  })

  test('ends with 1 where it does not, says why, and writes JUnit XML', async () => {
    const junit = join(folder, 'junit.xml')
    const address = `${bad.url.href}?token=canary`
    const { code, out } = await boxhooks([address, ...keyFiles(), '--only', 'time', '--junit', junit])
    expect(code).toBe(1)
    expect(out).toContain('FAIL  time.eleven-minutes')
    const xml = await readFile(junit, 'utf8')
    expect(xml).toMatch(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites>/)
    expect(out + xml).not.toContain('canary')
  })

  test('takes the keys from the environment, and skips what needs one that is missing', async () => {
    const env = { BOXHOOKS_PRIMARY_KEY: KEYS.primary }
    const { code, out } = await boxhooks([good.url.href, '--only', 'signature', '--json'], env)
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ passed: 4, failed: 0, skipped: 4 })
  })

  test.each<[string, () => string[], RegExp]>([
    ['no address', () => [], /Give the receiver’s address/],
    ['an address of another kind', () => ['ftp://example.com'], /Give the receiver’s address/],
    [
      'a receiver that is not there',
      () => ['http://127.0.0.1:1/', ...keyFiles()],
      /can't be reached: ECONNREFUSED/,
    ],
    [
      'a password in the address',
      () => ['http://user:canary@127.0.0.1/', ...keyFiles()],
      /Leave user and password out/,
    ],
    ['an invalid timeout', () => [good.url.href, '--timeout', 'x'], /positive integer/],
    ['an option that there is not', () => [good.url.href, '--nonsense'], /unknown option/],
    [
      'a report that can’t be written',
      () => [good.url.href, ...keyFiles(), '--junit', join(folder, 'none', 'junit.xml')],
      /can't be written to .+ \(ENOENT\)/,
    ],
    ['no key', () => [good.url.href], /--primary-key-file/],
    [
      'a key file that is missing',
      () => [good.url.href, '--primary-key-file', '/none'],
      /can't be read \(ENOENT\)/,
    ],
    ['an empty key file', () => [good.url.href, '--primary-key-file', join(folder, 'empty')], /is empty/],
    ['an unknown requirement', () => [good.url.href, '--only', 'nothing'], /--list shows all/],
    ['an invalid header', () => [good.url.href, '--header', 'none', ...keyFiles()], /"Name: value"/],
  ])('with %s ends with 2, and says what to do', async (_, args, message) => {
    const { code, out, err } = await boxhooks(args())
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(message)
    expect(err).not.toMatch(/canary|\n\s+at /)
  })

  test('lists what it asks for', async () => {
    const { out } = await boxhooks(['--list'])
    expect(out.trim().split('\n')).toHaveLength(REQUIREMENTS.length)
  })
})
