import type { ManifestEntry } from '../infra/build/manifest.ts'
import { ExpectedError } from '../lib/base/expected-error.ts'

/**
 * Sees that every setting that automations declare has a value.
 * @param env the environment that the stage local gives its functions
 * @throws ExpectedError that names each setting without a value, and where to give it one
 */
export function checkSettings(
  manifest: readonly ManifestEntry[],
  env: Readonly<Record<string, string>>,
): void {
  const missing = manifest.flatMap(({ name, settings }) =>
    Object.keys(settings)
      .filter(setting => !env[setting])
      .map(setting => `${setting} (${name})`),
  )
  if (missing.length > 0)
    throw new ExpectedError(
      `The stage local has no value for ${missing.join(', ')}. Write it into serverless.yml under params.local, then start again.`,
    )
}
