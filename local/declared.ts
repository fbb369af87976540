import type { ManifestEntry } from '../infra/manifest.ts'
import { type Target, TRIGGERS, type Trigger } from '../lib/event.ts'

export class SettingsMissing extends Error {
  override readonly name = 'SettingsMissing'
}

/**
 * What a manifest declares, with the settings in its targets filled in.
 * @throws SettingsMissing that names each setting without a value, and where to give it one
 */
export function declaredAutomations(
  manifest: readonly ManifestEntry[],
  env: Readonly<Record<string, string>>,
): { readonly name: string; readonly on: readonly Trigger[]; readonly watch: readonly Target[] }[] {
  const missing = manifest.flatMap(({ name, settings }) =>
    Object.keys(settings)
      .filter(setting => !env[setting])
      .map(setting => `${setting} (${name})`),
  )
  if (missing.length > 0)
    throw new SettingsMissing(
      `The stage local has no value for ${missing.join(', ')}. Write it into serverless.yml under params.local, then start again.`,
    )
  return manifest.map(({ name, on, watch }) => ({
    name,
    on: on.filter(isTrigger),
    watch: watch.map(({ type, id }) => ({
      type: type === 'file' ? 'file' : 'folder',
      id: id.replace(/\$\{([^}]*)\}/g, (_, setting: string) => env[setting] ?? ''),
    })),
  }))
}

const isTrigger = (name: string): name is Trigger => Object.hasOwn(TRIGGERS, name)
