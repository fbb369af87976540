import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeAll } from '../../cli/terminal/write-files.ts'
import { runCommand } from '../support/command.ts'
import { automationCode, type ScratchProject, scratchProject } from '../support/scratch-project.ts'

const MOVED = "on: 'FILE.MOVED', watch: { folder: '1' }"

let project: ScratchProject
beforeAll(async () => {
  project = await scratchProject()
  await project.write('automations/present.ts', automationCode('present', MOVED))
  await project.write('automations/another.ts', automationCode('taken', MOVED))
})
afterAll(() => project.remove())

const boxhooks = (...args: string[]) => runCommand(args, { project: project.folder })

describe('boxhooks new', () => {
  test('writes an automation and its test, and says what comes next', async () => {
    const { code, out, err } = await boxhooks(
      ...['new', 'tell-me', '--on', 'FILE.UPLOADED', '--on', 'FILE.UPLOADED', '--on', 'FILE.LOCKED'],
      ...['--watch', 'folder:123456789', '--watch', 'folder:${FOLDER_ID}'],
    )
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('Wrote automations/tell-me.ts and test/automations/tell-me.test.ts')
    expect(out).toContain('npm test -- test/automations/tell-me.test.ts')
    const written = await project.text('automations/tell-me.ts')
    expect(written).toContain("name: 'tell-me',\n  on: ['FILE.UPLOADED', 'FILE.LOCKED'],\n")
    expect(written).toContain("watch: [{ folder: '123456789' }, { folder: '${FOLDER_ID}' }],")
    const itsTest = await project.text('test/automations/tell-me.test.ts')
    expect(itsTest).toContain("const TRIGGERS = ['FILE.UPLOADED', 'FILE.LOCKED']\n")
    expect(itsTest).toContain("const SETTINGS = { FOLDER_ID: '100001' }\n")
    expect((await boxhooks('automations')).out).toMatch(
      /^tell-me +tell-me\.ts +FILE\.UPLOADED, FILE\.LOCKED +folder:123456789, folder:\$\{FOLDER_ID\}/m,
    )
  })

  test('takes the other spelling of a trigger, and writes the one of Box’s API', async () => {
    const args = ['--on', 'SIGN_REQUEST.SIGNER_SIGNED', '--watch', 'file:5']
    expect(await boxhooks('new', 'signed', ...args)).toMatchObject({ code: 0 })
    expect(await project.text('automations/signed.ts')).toContain("on: 'SIGN_REQUEST.SIGN_SIGNER_SIGNED',")
  })

  const folder = ['--watch', 'folder:1']
  const moved = ['--on', 'FILE.MOVED']
  test.each([
    ['a name that is not kebab-case', ['Not_Kebab', ...moved, ...folder], 'must be kebab-case'],
    ['a path for a name', ['../evil', ...moved, ...folder], 'must be kebab-case'],
    ['a name of boxhooks itself', ['reconcile-webhooks', ...moved, ...folder], 'of boxhooks itself'],
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
    ['no trigger', ['new-one', ...folder], "required option '--on <trigger>'"],
    ['no target', ['new-one', ...moved], "required option '--watch <target>'"],
  ])('rejects %s and writes nothing', (_, args, told) => expectRefusal(2, args, told))

  test.each([
    ['a file that exists', ['present', ...moved, ...folder], 'automations/present.ts exists already'],
    [
      'a name that another file declares',
      ['taken', ...moved, ...folder],
      'automations/another.ts declares an automation of this name',
    ],
    [
      'a setting that the stage local has no value for',
      ['new-one', ...moved, '--watch', 'folder:${NEW_FOLDER_ID}'],
      '    NEW_FOLDER_ID: "100001"',
    ],
  ])('refuses %s and writes nothing', (_, args, told) => expectRefusal(1, args, told))

  async function expectRefusal(exitCode: 1 | 2, args: readonly string[], told: string): Promise<void> {
    const before = await project.files()
    const { code, out, err } = await boxhooks('new', ...args)
    expect(err).toContain(told)
    expect({ code, out }).toEqual({ code: exitCode, out: '' })
    expect(err).not.toContain('    at ')
    expect(await project.files()).toEqual(before)
  }

  test('tells everything that is wrong at once', async () => {
    const { err } = await boxhooks('new', 'X', '--on', 'A', '--on', 'B', '--watch', 'folder:0')
    for (const told of ['NAME "X"', '--on "A"', '--on "B"', '--watch "folder:0"']) expect(err).toContain(told)
  })

  test('takes a new setting once the stage local has a value for it', async () => {
    const args = ['new', 'own', ...moved, '--watch', 'folder:${OWN_ID}']
    expect(await boxhooks(...args)).toMatchObject({ code: 1 })
    const serverless = await project.text('serverless.yml')
    await project.write(
      'serverless.yml',
      serverless.replace('\n  local:\n', '\n  local:\n    OWN_ID: "100001"\n'),
    )
    expect(await boxhooks(...args)).toMatchObject({ code: 0 })
  })

  test('writes nothing while another automation can’t be read', async () => {
    await project.write('automations/half.ts', 'export default 5 +')
    const { code, err } = await boxhooks('new', 'late', ...moved, ...folder)
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(
        /half\.ts does not compile.*until then it is unknown which names are taken/s,
      ),
    })
    expect(await project.files()).not.toContain('automations/late.ts')
  })
})

test('where one file can’t be written, none is left, and what was there stays', async () => {
  await project.write('there.txt', 'mine')
  const written = writeAll(project.folder, [
    { path: 'made/first.txt', text: '1' },
    { path: 'there.txt', text: '2' },
  ])
  await expect(written).rejects.toThrow('EEXIST')
  expect(await readdir(join(project.folder, 'made'))).toEqual([])
  expect(await project.text('there.txt')).toBe('mine')
})
