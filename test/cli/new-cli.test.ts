import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeAll } from '../../cli/new/write-all.ts'
import { type ScratchClone, scratchClone } from '../support/scratch-clone.ts'

let clone: ScratchClone
beforeAll(async () => {
  clone = await scratchClone()
})
afterAll(() => clone.remove())

const files = async () =>
  (await Promise.all(['automations', 'test/automations'].map(folder => readdir(join(clone.folder, folder)))))
    .flat()
    .sort()
const text = (path: string) => readFile(join(clone.folder, path), 'utf8')

describe('boxhooks new', { timeout: 120_000 }, () => {
  test('writes an automation and its test, says what comes next, and all checks and packaging still pass', async () => {
    const { code, out, err } = await clone.boxhooks(
      ...['new', 'tell-me', '--on', 'FILE.UPLOADED', '--on', 'FILE.UPLOADED', '--on', 'FILE.LOCKED'],
      ...['--watch', 'folder:123456789', '--watch', 'folder:${REVIEW_FOLDER_ID}'],
    )
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('Wrote automations/tell-me.ts and test/automations/tell-me.test.ts')
    expect(out).toContain('npm test -- test/automations/tell-me.test.ts')
    const written = await text('automations/tell-me.ts')
    expect(written).toContain("name: 'tell-me',\n  on: ['FILE.UPLOADED', 'FILE.LOCKED'],\n")
    expect(written).toContain("watch: [{ folder: '123456789' }, { folder: '${REVIEW_FOLDER_ID}' }],")
    expect(await clone.tool('biome', 'check', '--error-on-warnings', '.')).toMatchObject({ code: 0 })
    expect(await clone.tool('tsc', '--noEmit')).toEqual({ code: 0, out: '', err: '' })
    expect(await clone.tests('test/automations/tell-me.test.ts')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/runs for FILE\.UPLOADED.*runs for FILE\.LOCKED.*2 passed/s),
    })
    expect(await clone.tool('node', 'infra/package.ts', '--stage', 'local')).toMatchObject({
      code: 0,
      out: expect.stringContaining('tell-me'),
    })
    expect((await clone.boxhooks('automations')).out).toMatch(
      /^tell-me +tell-me\.ts +FILE\.UPLOADED, FILE\.LOCKED +folder:123456789, folder:\$\{REVIEW_FOLDER_ID\}/m,
    )
  })

  test('takes the other spelling of a trigger, and writes the one of Box’s API', async () => {
    const args = ['--on', 'SIGN_REQUEST.SIGNER_SIGNED', '--watch', 'file:5']
    expect(await clone.boxhooks('new', 'signed', ...args)).toMatchObject({ code: 0 })
    expect(await text('automations/signed.ts')).toContain("on: 'SIGN_REQUEST.SIGN_SIGNER_SIGNED',")
  })

  test('the test that it writes fails where the automation does not run', async () => {
    const args = ['--on', 'FILE.MOVED', '--watch', 'folder:6']
    expect(await clone.boxhooks('new', 'idle', ...args)).toMatchObject({ code: 0 })
    const code = await text('automations/idle.ts')
    await clone.write('automations/idle.ts', code.replace('  async run', '  when: () => false,\n  async run'))
    expect(await clone.tests('test/automations/idle.test.ts')).toMatchObject({ code: 1 })
  })

  const folder = ['--watch', 'folder:1']
  const moved = ['--on', 'FILE.MOVED']
  test.each([
    ['a name that is not kebab-case', ['Not_Kebab', ...moved, ...folder], 'must be kebab-case'],
    ['a path for a name', ['../evil', ...moved, ...folder], 'must be kebab-case'],
    ['a name of boxhooks itself', ['reconcile-webhooks', ...moved, ...folder], 'of boxhooks itself'],
    [
      'a file that exists',
      ['archive-uploads', ...moved, ...folder],
      'automations/archive-uploads.ts exists already',
    ],
    [
      'a name that another file declares',
      ['remove-shared-link-after-download', ...moved, ...folder],
      'automations/remove-shared-link.ts declares an automation of this name',
    ],
    ['an unknown trigger', ['new-one', '--on', 'FILE.UPLOADD', ...folder], 'Is it FILE.UPLOADED?'],
    ['half a trigger', ['new-one', '--on', 'previewed', ...folder], 'Is it FILE.PREVIEWED?'],
    [
      'a trigger that is not for the target',
      ['new-one', '--on', 'FOLDER.CREATED', '--watch', 'file:1'],
      "FOLDER.CREATED can't be watched on a file. Allowed on a file: FILE.PREVIEWED, ",
    ],
    ['the root folder', ['new-one', ...moved, '--watch', 'folder:0'], 'no webhook on the root folder, 0'],
    ['an id that is none', ['new-one', ...moved, '--watch', 'folder:Review'], 'id is a number'],
    ['a target of no kind', ['new-one', ...moved, '--watch', '123'], 'write folder:ID or file:ID'],
    ['a setting that the shell has taken away', ['new-one', ...moved, '--watch', 'folder:'], 'single quotes'],
    [
      'a setting that the stage local has no value for',
      ['new-one', ...moved, '--watch', 'folder:${NEW_FOLDER_ID}'],
      '    NEW_FOLDER_ID: "100001"',
    ],
    ['no trigger', ['new-one', ...folder], "required option '--on <trigger>'"],
    ['no target', ['new-one', ...moved], "required option '--watch <target>'"],
  ])('refuses %s, says what would be right, and writes nothing', async (_, args, told) => {
    const before = await files()
    const { code, out, err } = await clone.boxhooks('new', ...args)
    expect(err).toContain(told)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).not.toContain('    at ')
    expect(await files()).toEqual(before)
  })

  test('tells everything that is wrong at once', async () => {
    const { err } = await clone.boxhooks('new', 'X', '--on', 'A', '--on', 'B', '--watch', 'folder:0')
    for (const told of ['NAME "X"', '--on "A"', '--on "B"', '--watch "folder:0"']) expect(err).toContain(told)
  })

  test('takes a new setting once the stage local has a value for it', async () => {
    const serverless = await text('serverless.yml')
    await clone.write(
      'serverless.yml',
      serverless.replace('\n  local:\n', '\n  local:\n    OWN_ID: "100001"\n'),
    )
    const args = [...moved, '--watch', 'folder:${OWN_ID}']
    expect(await clone.boxhooks('new', 'own', ...args)).toMatchObject({ code: 0 })
    expect(await clone.tests('test/automations/own.test.ts')).toMatchObject({ code: 0 })
  })
})

test('where one file can’t be written, none is left, and what was there stays', async () => {
  await clone.write('there.txt', 'mine')
  const written = writeAll(clone.folder, [
    { path: 'made/first.txt', text: '1' },
    { path: 'there.txt', text: '2' },
  ])
  await expect(written).rejects.toThrow('EEXIST')
  expect(await readdir(join(clone.folder, 'made'))).toEqual([])
  expect(await text('there.txt')).toBe('mine')
})
