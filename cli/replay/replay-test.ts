import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ManifestEntry } from '../../infra/build/manifest.ts'
import { readStageValues } from '../../infra/stage/stage-params.ts'
import { parseObject } from '../../lib/base/json.ts'
import type { EventRecord, RunRecord } from '../../lib/ledger/record.ts'
import { readReplayable, storedMessage } from '../../lib/operations/replay.ts'
import { readProjectAutomations } from '../stage/declarations.ts'
import { atStage } from '../stage/stage-aws.ts'
import type { StageRef } from '../stage/stage-ref.ts'
import { CommandError } from '../terminal/command-error.ts'
import type { Shell } from '../terminal/shell.ts'
import { type NewFile, writeAll } from '../terminal/write-files.ts'
import { type Redacted, redact } from './redact.ts'

export type ReplayTestOptions = {
  readonly ref: StageRef
  /** The automation to test; needed where several ran. */
  readonly automation?: string
  /** Prints JSON, for programs. */
  readonly json?: boolean
}

/**
 * Writes an event of a stage as a redacted fixture, and a test that runs its automation on it against the emulated Box.
 * @throws CommandError, ReplayImpossible, AwsUnreachable, ExpectedError; nothing is written then
 */
export function replayAsTest(shell: Shell, eventId: string, options: ReplayTestOptions): Promise<void> {
  return atStage(shell, options.ref, async ({ ledger }) => {
    const record = await readReplayable(ledger, eventId)
    const payload = parseObject(Buffer.from(storedMessage(record).body).toString())
    if (!payload)
      throw new CommandError(
        `The payload of event ${eventId} is not a JSON object, so no automation can run on it.`,
      )
    const entry = await entryOf(shell, record, options.automation)
    const code = await readFile(join(shell.project, 'automations', entry.file), 'utf8')
    const files = await filesOf(shell.project, record, entry, redact(payload, code))
    await writeAll(shell.project, files).catch((cause: Error) => {
      throw new CommandError(`Nothing was written: ${cause.message}`, { cause })
    })
    const [fixture = '', test = ''] = files.map(({ path }) => path)
    await shell.print(
      options.json ? JSON.stringify({ fixture, test }, null, 2) : formatNextSteps(fixture, test),
    )
  })
}

async function entryOf(
  shell: Shell,
  record: EventRecord,
  automation: string | undefined,
): Promise<ManifestEntry> {
  const ran = Object.keys(record.runs)
  const [only, another] = ran
  const name = automation ?? (another === undefined ? only : undefined)
  if (name === undefined)
    throw new CommandError(
      ran.length === 0
        ? 'No automation ran at this event. Use --automation to name the one to test.'
        : `Several automations ran at this event. Use --automation to name the one to test: ${ran.join(', ')}.`,
    )
  const entries = (await readProjectAutomations(shell)).flatMap(one => ('entry' in one ? [one.entry] : []))
  const entry = entries.find(one => one.name === name)
  if (entry) return entry
  throw new CommandError(
    `No file in automations/ declares ${name}. There are ${entries.map(one => one.name).join(', ') || 'none'}.`,
  )
}

async function filesOf(
  project: string,
  record: EventRecord,
  entry: ManifestEntry,
  redacted: Redacted,
): Promise<NewFile[]> {
  const hash = createHash('sha256').update(record.eventId).digest('hex').slice(0, 8)
  const kind = record.trigger.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  const slug = `${kind.slice(0, 60)}-${hash}`
  const run = Object.hasOwn(record.runs, entry.name) ? record.runs[entry.name] : undefined
  return [
    { path: `test/fixtures/events/${slug}.json`, text: `${JSON.stringify(redacted.payload, null, 2)}\n` },
    {
      path: `test/automations/${entry.file.replace(/\.ts$/, '')}.${slug}.test.ts`,
      text: replayTestCode({
        file: entry.file,
        name: entry.name,
        slug,
        run,
        settings: await settingsOf(project, record, entry, redacted),
      }),
    },
  ]
}

/** Reads the settings: one that names a watched item has its id in the fixture, another its value in the stage local. */
async function settingsOf(
  project: string,
  record: EventRecord,
  { settings, watch }: ManifestEntry,
  { idOf }: Redacted,
): Promise<Readonly<Record<string, string>>> {
  const localValueOf = await readStageValues('local', join(project, 'serverless.yml'))
  const values = Object.keys(settings).map(name => {
    const watched = watch.find(({ id }) => id === `\${${name}}`)
    const target = watched && record.targets?.find(({ type }) => type === watched.type)
    return [name, target ? idOf(target.id) : (localValueOf(name) ?? '1')] as const
  })
  return Object.fromEntries(values)
}

const formatNextSteps = (fixture: string, test: string): string =>
  [
    `Wrote ${fixture}, without names, addresses and links, and ${test}.`,
    'Next:',
    '  Read the fixture before you commit it: only you know what else is private.',
    `  npm test -- ${test}   runs the test`,
  ].join('\n')

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

/** Makes the code of a test that runs an automation on a recorded event, in the repository's format. */
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

/** Formats what went wrong in the stage: only the code, because a message can have names in it. */
const whyCode = (run: RunRecord | undefined): string =>
  run?.status === 'failed' || run?.status === 'pending'
    ? `  // In the stage it ${run.status === 'failed' ? 'failed' : 'is unfinished'}${run.error ? ` with ${run.error.code.replace(/\W/g, '')}` : ''}.\n`
    : ''

const quoted = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
