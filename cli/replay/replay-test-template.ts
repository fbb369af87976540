import type { RunRecord } from '../../lib/ledger/record.ts'

export type ReplayTest = {
  /** The automation's file in automations/, and its name. */
  readonly file: string
  readonly name: string
  /** The name of the fixture. */
  readonly slug: string
  /** What became of it in the stage; undefined where it did not run there. */
  readonly run: RunRecord | undefined
  readonly settings: Readonly<Record<string, string>>
}

/** The code of a test that runs an automation on a recorded event, in the repository's format. */
export function replayTestCode({ file, name, slug, run, settings }: ReplayTest): string {
  const folders = Object.values(settings).filter(value => /^[1-9]\d*$/.test(value))
  const isSkipped = run?.status === 'skipped'
  const expected = isSkipped ? "toMatchObject({ kind: 'skipped' })" : "toEqual({ kind: 'done' })"
  return `import { type Kit, putSource, startKit } from 'boxhooks/test'
import { afterAll, beforeAll, expect, test } from 'vitest'
import automation from ${quoted(`../../automations/${file}`)}
import event from ${quoted(`../fixtures/events/${slug}.json`)} with { type: 'json' }

${settingsCode(settings)}let kit: Kit
beforeAll(async () => {
  kit = await startKit()
  putSource(kit.box, event)
${folders.length > 0 ? foldersCode(folders) : ''}})
afterAll(() => kit.close())

test('${name} ${isSkipped ? 'leaves alone' : 'is done with'} a recorded event', async () => {
${whyCode(run)}  expect(await kit.run(automation, event${Object.keys(settings).length > 0 ? ', SETTINGS' : ''})).${expected}
  // Next: say what it has done. kit.box is the emulated Box, kit.calls has every call to its API.
})
`
}

function settingsCode(settings: Readonly<Record<string, string>>): string {
  const entries = Object.entries(settings)
  if (entries.length === 0) return ''
  const values = entries.map(([setting, value]) => `${setting}: ${quoted(value)}`)
  const whole = `const SETTINGS = { ${values.join(', ')} }`
  const text =
    whole.length <= LINE_MAX
      ? whole
      : ['const SETTINGS = {', ...values.map(value => `  ${value},`), '}'].join('\n')
  return `${text}\n`
}

/** The widest line that the repository's format leaves whole. */
const LINE_MAX = 110

function foldersCode(folders: readonly string[]): string {
  const ids = [...new Set(folders)].map(quoted).join(', ')
  return `  for (const id of [${ids}])
    if (!kit.box.content.folders.has(id))
      kit.box.content.createFolder({ id, parentId: '0', name: \`Folder \${id}\` })
`
}

/** What went wrong in the stage, for whoever mends it; a message can have names in it, so only the code is told. */
const whyCode = (run: RunRecord | undefined): string =>
  run?.status === 'failed' || run?.status === 'pending'
    ? `  // In the stage it ${run.status === 'failed' ? 'was given up' : 'is unfinished'}${run.error ? ` with ${run.error.code.replace(/\W/g, '')}` : ''}.\n`
    : ''

const quoted = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
