import { join } from 'node:path'
import type { ManifestEntry } from '../../infra/build/manifest.ts'
import { type ParamState, readStageParams, readStageValues } from '../../infra/stage/stage-params.ts'
import type { Target } from '../../lib/event/event.ts'
import { declared as readDeclared } from '../automations.ts'
import type { Place } from '../stage/stage-ref.ts'
import type { Shell } from '../terminal/shell.ts'
import type { DeclaredFact } from './why-facts.ts'

/**
 * Reads what the automations of the project declare, with the settings of a place.
 * @throws StageParamsError
 */
export async function declaredFacts(
  shell: Shell,
  place: Place,
): Promise<{ readonly declared: readonly DeclaredFact[]; readonly problems: readonly string[] }> {
  const stage = 'stage' in place ? place.stage : 'local'
  const service = join(shell.project, 'serverless.yml')
  const [declarations, settingOf, stateOf] = await Promise.all([
    readDeclared(shell),
    readStageValues(stage, service),
    readStageParams(stage, service),
  ])
  return {
    declared: declarations.flatMap(declaration =>
      'error' in declaration ? [] : [factOf(declaration.entry, settingOf, stateOf)],
    ),
    problems: declarations.flatMap(declaration =>
      'error' in declaration
        ? [`Nothing can be said of ${declaration.file}: ${declaration.error.message}`]
        : [],
    ),
  }
}

const PLACEHOLDER = /\$\{([^}]*)\}/g

function factOf(
  { name, on, watch, v1 = false }: ManifestEntry,
  settingOf: (setting: string) => string | undefined,
  stateOf: (setting: string) => ParamState,
): DeclaredFact {
  const settings = watch.flatMap(({ id }) => [...id.matchAll(PLACEHOLDER)].map(([, setting = '']) => setting))
  return {
    name,
    on,
    v1,
    watch: watch.flatMap(({ type, id }): Target[] =>
      type === 'file' || type === 'folder'
        ? [{ type, id: id.replaceAll(PLACEHOLDER, (whole, setting: string) => settingOf(setting) ?? whole) }]
        : [],
    ),
    unset: [...new Set(settings.filter(setting => stateOf(setting) !== 'set'))],
  }
}
