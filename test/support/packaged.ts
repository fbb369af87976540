import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'vitest'
import { EXAMPLES, type FunctionName } from '../../infra/build/bundle.ts'
import { exclusively } from '../../infra/build/exclusively.ts'
import type { ManifestEntry } from '../../infra/build/manifest.ts'
import { type Packaged, packageBuilt, packagedStage, packageStage } from '../../infra/build/package.ts'

/** Values for what the samples need, for a stage that serverless.yml does not have. */
const SETTINGS = [
  'REVIEW_FOLDER_ID=100001',
  'ARCHIVE_FOLDER_ID=100002',
  'ALLOWED_DOMAINS=a.example,b.example',
]

/** All that is optional, each with another value than it has by default. */
const EVERYTHING = [
  'alarmEmail=ops@a.example',
  'domainName=hooks.example',
  'certificateArn=arn:aws:acm:eu-central-1:123456789012:certificate/x',
  'automateConcurrency=2',
  'automateMemoryMb=1024',
  'logRetentionDays=7',
  'silenceHours=48',
  'deliveryAgeMaxMinutes=150',
  'metrics=alarms',
  'logDetails=true',
  'v1Webhooks=from_user_id=by, item_name=file',
]

/**
 * The stage local as Lambda would get it. The first test file of a run that asks for it builds and packages it for all of them.
 * @throws ExpectedError with what osls said
 */
export const packagedLocal = (): Promise<Packaged> =>
  oncePerRun('local', () => packageStage({ stage: 'local', project: EXAMPLES }))

/** A stage with all that is optional, packaged once for all test files of a run. */
export const packagedWithEverything = (): Promise<Packaged> =>
  oncePerRun('everything', () => packageSamples('everything', EVERYTHING))

/**
 * Packages a stage from the bundles of the samples, with a value for each of their settings.
 * @param params such as `silenceHours=48`
 * @throws ExpectedError with what osls said
 */
export async function packageSamples(
  stage: string,
  params: readonly string[],
  settings: readonly string[] = SETTINGS,
): Promise<Packaged> {
  const { manifest } = await packagedLocal()
  const args = [...settings, ...params].flatMap(param => ['--param', param])
  return packageBuilt({ stage, project: EXAMPLES, manifest, args })
}

/** A function's bundle: the file that Lambda would load. */
export async function builtBundle(name: FunctionName): Promise<string> {
  await packagedLocal()
  return join(EXAMPLES, 'dist', name, 'index.mjs')
}

async function oncePerRun(stage: string, make: () => Promise<Packaged>): Promise<Packaged> {
  const folder = inject('packagedIn')
  const file = join(folder, `${stage}.json`)
  const manifest =
    (await readManifest(file)) ??
    (await exclusively(join(folder, `${stage}.lock`), async () => {
      const byAnother = await readManifest(file)
      if (byAnother) return byAnother
      const made = await make()
      await writeFile(file, JSON.stringify(made.manifest))
      return made.manifest
    }))
  return packagedStage({ stage, project: EXAMPLES, manifest })
}

async function readManifest(file: string): Promise<readonly ManifestEntry[] | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text)
}
