import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ScratchClone, scratchClone } from '../../support/scratch-clone.ts'

let clone: ScratchClone
beforeAll(async () => {
  clone = await scratchClone()
})
afterAll(() => clone.remove())

const text = (path: string) => readFile(join(clone.folder, path), 'utf8')

describe('what boxhooks new writes', { timeout: 120_000 }, () => {
  test('passes all checks and its own test, and is packaged', async () => {
    const { code, err } = await clone.boxhooks(
      ...['new', 'tell-me', '--on', 'FILE.UPLOADED', '--on', 'FILE.LOCKED'],
      ...['--watch', 'folder:123456789', '--watch', 'folder:${REVIEW_FOLDER_ID}'],
    )
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(await clone.tool('biome', 'check', '--error-on-warnings', '.')).toMatchObject({ code: 0 })
    expect(await clone.tool('tsc', '--noEmit')).toEqual({ code: 0, out: '', err: '' })
    expect(await clone.tests('test/automations/tell-me.test.ts')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/runs for FILE\.UPLOADED.*runs for FILE\.LOCKED.*2 passed/s),
    })
    expect(await clone.tool('node', 'infra/build/package.ts', '--stage', 'local')).toMatchObject({
      code: 0,
      out: expect.stringContaining('tell-me'),
    })
  })

  test('has a test that fails when the automation does not run', async () => {
    const args = ['--on', 'FILE.MOVED', '--watch', 'folder:6']
    expect(await clone.boxhooks('new', 'idle', ...args)).toMatchObject({ code: 0 })
    const code = await text('automations/idle.ts')
    await clone.write('automations/idle.ts', code.replace('  async run', '  when: () => false,\n  async run'))
    expect(await clone.tests('test/automations/idle.test.ts')).toMatchObject({ code: 1 })
  })

  test('runs with a setting of its own', async () => {
    const serverless = await text('serverless.yml')
    await clone.write(
      'serverless.yml',
      serverless.replace('\n  local:\n', '\n  local:\n    OWN_ID: "100001"\n'),
    )
    const args = ['--on', 'FILE.MOVED', '--watch', 'folder:${OWN_ID}']
    expect(await clone.boxhooks('new', 'own', ...args)).toMatchObject({ code: 0 })
    expect(await clone.tests('test/automations/own.test.ts')).toMatchObject({ code: 0 })
  })
})
