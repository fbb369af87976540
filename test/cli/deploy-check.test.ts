import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ScratchClone, scratchClone } from '../support/scratch-clone.ts'

let clone: ScratchClone
beforeAll(async () => {
  clone = await scratchClone()
})
afterAll(() => clone.remove())

/** Gives the clone an automation whose run has these lines. */
const declare = (lines: readonly string[], on = 'FILE.DOWNLOADED') =>
  clone.write(
    'automations/mine.ts',
    `import { automation } from 'boxhooks'

export default automation({
  name: 'mine',
  on: '${on}',
  watch: { folder: '\${REVIEW_FOLDER_ID}' },
  async run({ event, box, settings, step }) {
    const { id = '' } = event.item ?? {}
${lines.map(line => `    ${line}`).join('\n')}
  },
})
`,
  )
const FIRST_LINE = 9

const deploy = (...args: string[]) => clone.tool('node', 'cli/deploy.ts', '--stage', 'nowhere', ...args)
const check = () =>
  clone.tool(
    'node',
    '--input-type=module',
    '-e',
    "import { checkAutomations } from './infra/build/check-code.ts'; process.exit(checkAutomations(['automations']))",
  )

describe('before anything is deployed', () => {
  test('promises that are not awaited and wrong types are reported, with what to do', async () => {
    await declare([
      'box.files.deleteFileById(id)',
      "void box.asUser('1').files.deleteFileById(id)",
      "step('one', () => 1)",
      'settings.ANOTHER',
      'await box.files.burnFileById(id)',
    ])
    const { code, out: coloured, err } = await deploy()
    // In CI the linter writes in colours.
    const out = stripVTControlCharacters(coloured)
    for (const line of [0, 1, 2])
      expect(out).toMatch(
        new RegExp(`no-floating-promises[^\\[]*\\[automations/mine.ts:${FIRST_LINE + line}:`),
      )
    expect(out).toMatch(/^automations\/mine\.ts\(12,\d+\): error .*'ANOTHER' does not exist/m)
    expect(out).toMatch(/^automations\/mine\.ts\(13,\d+\): error .*'burnFileById' does not exist/m)
    expect(err).toContain('Nothing was deployed: automations/ has the mistakes above.')
    expect(err).toContain('--no-check')
    expect(code).toBe(1)
  })

  test('what is awaited or returned passes, used or not', async () => {
    await declare([
      "await Promise.all([step('one', () => settings.REVIEW_FOLDER_ID), box.files.getFileById(id)])",
      'const unused = 1',
      'return box.files.deleteFileById(id)',
    ])
    expect(await check()).toMatchObject({ code: 0 })
  })

  test('nothing is checked with --no-check', async () => {
    await declare(['settings.ANOTHER'], 'FILE.TELEPORTED')
    const { code, out, err } = await deploy('--no-check')
    expect(err).toContain('Box has no trigger "FILE.TELEPORTED"')
    expect(out + err).not.toMatch(/ANOTHER|no-check/)
    expect(code).toBe(1)
  })
})
