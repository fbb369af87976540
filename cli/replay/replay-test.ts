import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ManifestEntry } from '../../infra/build/manifest.ts'
import { readStageValues } from '../../infra/stage/stage-params.ts'
import { parseObject } from '../../lib/base/json.ts'
import type { EventRecord } from '../../lib/ledger/record.ts'
import { readReplayable, storedMessage } from '../../lib/operations/replay.ts'
import { declared } from '../automations.ts'
import { atStage } from '../stage/stage-aws.ts'
import type { Place } from '../stage/stage-ref.ts'
import { CommandError } from '../terminal/command-error.ts'
import type { Shell } from '../terminal/shell.ts'
import { type NewFile, writeAll } from '../terminal/write-files.ts'
import { type Redacted, redact } from './redact.ts'
import { replayTestCode } from './replay-test-template.ts'

export type ReplayTestOptions = {
  readonly place: Place
  /** The automation to test; needed where several ran. */
  readonly automation?: string
  /** Prints JSON, for programs. */
  readonly json?: boolean
}

/**
 * Writes an event of a stage as a redacted fixture, and a test that runs its automation on it against the emulated Box.
 * @throws CommandError, ReplayImpossible, AwsUnreachable, StageParamsError; nothing is written then
 */
export function replayAsTest(shell: Shell, eventId: string, options: ReplayTestOptions): Promise<void> {
  return atStage(shell, options.place, async ({ ledger }) => {
    const record = await readReplayable(ledger, eventId)
    const payload = parseObject(Buffer.from(storedMessage(record).body).toString())
    if (!payload)
      throw new CommandError(
        `The payload of event ${eventId} is no JSON object, so no automation can run on it.`,
      )
    const entry = await entryOf(shell, record, options.automation)
    const code = await readFile(join(shell.project, 'automations', entry.file), 'utf8')
    const files = await filesOf(shell.project, record, entry, redact(payload, code))
    await writeAll(shell.project, files).catch((cause: Error) => {
      throw new CommandError(`Nothing was written: ${cause.message}`, { cause })
    })
    const [fixture = '', test = ''] = files.map(({ path }) => path)
    await shell.print(options.json ? JSON.stringify({ fixture, test }, null, 2) : told(fixture, test))
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
        ? 'No automation ran at this event. Say with --automation which one is to be tested.'
        : `Several automations ran at this event. Say with --automation which one is to be tested: ${ran.join(', ')}.`,
    )
  const entries = (await declared(shell)).flatMap(one => ('entry' in one ? [one.entry] : []))
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

/** A setting that names what is watched has the id that the fixture has for it; another has the value of the stage local. */
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

const told = (fixture: string, test: string): string =>
  [
    `Wrote ${fixture}, without names, addresses and links, and ${test}.`,
    'Next:',
    '  Read the fixture before you commit it: only you know what else must not be in it.',
    `  npm test -- ${test}   runs the test`,
  ].join('\n')
