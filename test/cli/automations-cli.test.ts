import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseObject } from '../../lib/json.ts'
import { type ScratchClone, scratchClone } from '../support/scratch-clone.ts'

let clone: ScratchClone
beforeAll(async () => {
  clone = await scratchClone()
})
afterAll(() => clone.remove())

describe('boxhooks automations', { timeout: 60_000 }, () => {
  test('lists what is declared, on what, with which settings, in the stage dev', async () => {
    const { code, out, err } = await clone.boxhooks('automations')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('SETTINGS IN dev')
    expect(out).toMatch(
      /^archive-uploads +archive-uploads\.ts +FILE\.UPLOADED +folder:\$\{REVIEW_FOLDER_ID\} +REVIEW_FOLDER_ID, ARCHIVE_FOLDER_ID$/m,
    )
    expect(out).not.toContain('no value')
  })

  test('says which settings have no value in a stage, and where to write one', async () => {
    const { code, out } = await clone.boxhooks('automations', '--stage', 'prod')
    expect(code).toBe(0)
    expect(out).toContain('REVIEW_FOLDER_ID (no value), ALLOWED_DOMAINS (no value)')
    expect(out).toContain('Write into serverless.yml, under params.prod:')
    expect(out.match(/^ {2}REVIEW_FOLDER_ID: /gm)).toHaveLength(1)
  })

  test('prints JSON for programs', async () => {
    const { code, out } = await clone.boxhooks('automations', '--stage', 'prod', '--json')
    expect(code).toBe(0)
    expect(parseObject(out)).toMatchObject({
      stage: 'prod',
      errors: [],
      automations: [
        { name: 'archive-uploads', on: ['FILE.UPLOADED'] },
        {
          name: 'remove-outside-collaborators',
          watch: [{ type: 'folder', id: '${REVIEW_FOLDER_ID}' }],
          settings: [
            { name: 'REVIEW_FOLDER_ID', value: 'missing' },
            { name: 'ALLOWED_DOMAINS', value: 'missing' },
          ],
        },
        { name: 'remove-shared-link-after-download' },
      ],
    })
  })

  test('refuses what can’t be a stage', async () => {
    const { code, err } = await clone.boxhooks('automations', '--stage', '../prod')
    expect(code).toBe(1)
    expect(err).toContain('letters, digits and hyphens')
  })

  test('tells of every automation that can’t be loaded with its file and the reason, and lists the others', async () => {
    const broken = await scratchClone()
    await broken.write('automations/half.ts', 'export default 5 +')
    await broken.write(
      'automations/wrong.ts',
      `import { automation } from 'boxhooks'
      export default automation({ name: 'Wrong', on: 'FILE.MOVED', watch: { folder: '1' }, run() {} })`,
    )
    await broken.write(
      'automations/twin.ts',
      `import { automation } from 'boxhooks'
      export default automation({ name: 'archive-uploads', on: 'FILE.MOVED', watch: { folder: '1' }, run() {} })`,
    )
    const listed = await broken.boxhooks('automations')
    const asJson = await broken.boxhooks('automations', '--json')
    await broken.remove()
    expect(listed.code).toBe(1)
    expect(listed.out).toContain('remove-shared-link-after-download')
    expect(listed.err).toMatch(/half\.ts does not compile: /)
    expect(listed.err).toMatch(/wrong\.ts can't be loaded: .*kebab-case/)
    expect(listed.err).toMatch(/archive-uploads\.ts and twin\.ts both declare/)
    expect(listed.err).not.toContain('    at ')
    expect(asJson.code).toBe(1)
    expect(parseObject(asJson.out)).toMatchObject({
      automations: [{}, {}, {}],
      errors: [{ file: 'half.ts' }, { file: 'twin.ts' }, { file: 'wrong.ts' }],
    })
  })

  test('says what is wrong with a serverless.yml that can’t be read', async () => {
    const broken = await scratchClone()
    await broken.write('serverless.yml', 'params: [')
    const { code, err } = await broken.boxhooks('automations')
    await broken.remove()
    expect(code).toBe(1)
    expect(err).toContain("serverless.yml can't be read")
    expect(err).not.toContain('    at ')
  })
})
