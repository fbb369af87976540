import { join } from 'node:path'
import type { Declaration, ManifestEntry } from '../infra/build/manifest.ts'
import { type ParamState, readStageParams } from '../infra/stage/stage-params.ts'
import { readProjectAutomations } from './stage/declarations.ts'
import type { Shell } from './terminal/shell.ts'
import { table } from './terminal/table.ts'

export type AutomationsOptions = {
  readonly stage: string
  /** Prints one JSON object, for programs. */
  readonly json?: boolean
}

/** An automation as it is declared, and which of its settings have a value in the stage. */
type ListedAutomation = Omit<ManifestEntry, 'settings'> & {
  readonly settings: readonly {
    readonly name: string
    readonly meaning: string
    readonly value: ParamState
  }[]
}

type Listing = {
  readonly stage: string
  readonly automations: readonly ListedAutomation[]
  readonly errors: readonly { readonly file: string; readonly message: string }[]
}

/**
 * Lists what is declared, on what, with which settings. The exit code is 1 where an automation can't be loaded.
 * @throws ExpectedError
 */
export async function automations(shell: Shell, { stage, json }: AutomationsOptions): Promise<void> {
  const [declarations, stateOf] = await Promise.all([
    readProjectAutomations(shell),
    readStageParams(stage, join(shell.project, 'serverless.yml')),
  ])
  const listing = listingOf(stage, declarations, stateOf)
  await shell.print(json ? JSON.stringify(listing, null, 2) : listingText(listing))
  if (listing.errors.length === 0) return
  shell.exitCode = 1
  if (!json) for (const { message } of listing.errors) shell.printError(message)
}

function listingOf(
  stage: string,
  declarations: readonly Declaration[],
  stateOf: (setting: string) => ParamState,
): Listing {
  return {
    stage,
    automations: declarations.flatMap(declaration => {
      if ('error' in declaration) return []
      const settings = Object.entries(declaration.entry.settings)
      const withValues = settings.map(([name, meaning]) => ({ name, meaning, value: stateOf(name) }))
      return [{ ...declaration.entry, settings: withValues }]
    }),
    errors: declarations.flatMap(declaration =>
      'error' in declaration ? [{ file: declaration.file, message: declaration.error.message }] : [],
    ),
  }
}

const MARKS: Readonly<Record<ParamState, string>> = {
  set: '',
  missing: ' (no value)',
  variable: ' (value from elsewhere)',
}

function listingText({ stage, automations, errors }: Listing): string {
  if (automations.length === 0 && errors.length > 0) return 'No automation could be loaded.'
  if (automations.length === 0)
    return 'No automation is declared. Next: npx boxhooks new NAME --on TRIGGER --watch folder:ID'
  const rows = automations.map(({ name, file, on, watch, settings }) => [
    name,
    file,
    on.join(', '),
    watch.map(({ type, id }) => `${type}:${id}`).join(', '),
    settings.map(({ name, value }) => `${name}${MARKS[value]}`).join(', '),
  ])
  return [
    table([['NAME', 'FILE', 'ON', 'WATCH', `SETTINGS IN ${stage}`], ...rows]),
    ...missingText(stage, automations),
  ].join('\n')
}

function missingText(stage: string, automations: readonly ListedAutomation[]): string[] {
  const settings = automations.flatMap(({ settings }) => settings)
  const missing = new Map(settings.flatMap(one => (one.value === 'missing' ? [[one.name, one.meaning]] : [])))
  if (missing.size === 0) return []
  return [
    '',
    `Stage ${stage} has no value for ${missing.size === 1 ? 'a setting' : 'some settings'}. Write into serverless.yml, under params.${stage}:`,
    ...[...missing].map(([name, meaning]) => `  ${name}: "…"  # ${meaning}`),
  ]
}
