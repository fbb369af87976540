import { beforeEach, describe, expect, test } from 'vitest'
import { parseObject } from '../../lib/base/json.ts'
import { runCommand } from '../support/command.ts'
import { automationCode, type ScratchProject, scratchProject } from '../support/scratch-project.ts'

const WATCH = "watch: { folder: '${FOLDER_ID}' }"

let project: ScratchProject
beforeEach(async () => {
  project = await scratchProject()
  await project.write('automations/archive.ts', automationCode('archive', `on: 'FILE.UPLOADED', ${WATCH}`))
  await project.write(
    'automations/guard.ts',
    automationCode('guard', `on: ['FILE.MOVED'], ${WATCH}, settings: { DOMAINS: 'who may come in' }`),
  )
  await project.write(
    'serverless.yml',
    (await project.text('serverless.yml')).replace('\n  dev:\n', '\n  dev:\n    DOMAINS: "a.example"\n'),
  )
  return () => project.remove()
})

const automations = (...args: string[]) => runCommand(['automations', ...args], { project: project.folder })

describe('boxhooks automations', () => {
  test('lists what is declared, on what, with which settings, in the stage dev', async () => {
    const { code, out, err } = await automations()
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('SETTINGS IN dev')
    expect(out).toMatch(/^archive +archive\.ts +FILE\.UPLOADED +folder:\$\{FOLDER_ID\} +FOLDER_ID$/m)
    expect(out).not.toContain('no value')
  })

  test('says which settings have no value in a stage, and where to write one', async () => {
    const { code, out } = await automations('--stage', 'prod')
    expect(code).toBe(0)
    expect(out).toMatch(/^guard .*FOLDER_ID \(no value\)/m)
    expect(out).toMatch(/^guard .*DOMAINS \(no value\)/m)
    expect(out).toContain('Write into serverless.yml, under params.prod:')
    expect(out.match(/^ {2}FOLDER_ID: /gm)).toHaveLength(1)
    expect(out).toContain('  DOMAINS: "…"  # who may come in')
  })

  test('prints JSON for programs', async () => {
    const { code, out } = await automations('--stage', 'prod', '--json')
    expect(code).toBe(0)
    expect(parseObject(out)).toMatchObject({
      stage: 'prod',
      errors: [],
      automations: [
        { name: 'archive', on: ['FILE.UPLOADED'] },
        {
          name: 'guard',
          watch: [{ type: 'folder', id: '${FOLDER_ID}' }],
          settings: expect.arrayContaining([
            { name: 'FOLDER_ID', meaning: expect.any(String), value: 'missing' },
            { name: 'DOMAINS', meaning: 'who may come in', value: 'missing' },
          ]),
        },
      ],
    })
  })

  test('refuses what can’t be a stage', async () => {
    const { code, err } = await automations('--stage', '../prod')
    expect(code).toBe(2)
    expect(err).toContain('letters, digits and hyphens')
  })

  test('tells of every automation that can’t be loaded with its file and the reason, and lists the others', async () => {
    await project.write('automations/half.ts', 'export default 5 +')
    await project.write(
      'automations/wrong.ts',
      automationCode('Wrong', "on: 'FILE.MOVED', watch: { folder: '1' }"),
    )
    await project.write(
      'automations/twin.ts',
      automationCode('archive', "on: 'FILE.MOVED', watch: { folder: '1' }"),
    )
    const listed = await automations()
    expect(listed.code).toBe(1)
    expect(listed.out).toMatch(/^guard /m)
    expect(listed.err).toMatch(/half\.ts does not compile: /)
    expect(listed.err).toMatch(/wrong\.ts can't be loaded: .*kebab-case/)
    expect(listed.err).toMatch(/archive\.ts and twin\.ts both declare/)
    expect(listed.err).not.toContain('    at ')
    const asJson = await automations('--json')
    expect(asJson).toMatchObject({ code: 1, err: '' })
    expect(parseObject(asJson.out)).toMatchObject({
      automations: [{ name: 'archive' }, { name: 'guard' }],
      errors: [{ file: 'half.ts' }, { file: 'twin.ts' }, { file: 'wrong.ts' }],
    })
  })

  test('says what is wrong with a serverless.yml that can’t be read', async () => {
    await project.write('serverless.yml', 'params: [')
    const { code, err } = await automations()
    expect(code).toBe(1)
    expect(err).toContain("serverless.yml can't be read")
    expect(err).not.toContain('    at ')
  })
})
