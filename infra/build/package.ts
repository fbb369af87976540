import { spawn } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ExpectedError } from '../../lib/base/expected-error.ts'
import { stageProblem } from '../stage/stage-name.ts'
import { type BundleResult, bundle, describeBundles, FUNCTIONS, ROOT } from './bundle.ts'
import { exclusively } from './exclusively.ts'
import type { ManifestEntry } from './manifest.ts'
import { type CompiledTemplate, parseTemplate } from './template.ts'

export type Packaged = {
  readonly stage: string
  readonly project: string
  /** Where osls put the artifacts and the template. */
  readonly folder: string
  readonly template: CompiledTemplate
  readonly manifest: readonly ManifestEntry[]
}

export type PackageOptions = {
  readonly stage: string
  /** The folder that holds serverless.yml and automations/; boxhooks' own by default. */
  readonly project?: string
  /** Further arguments for osls, such as `--param NAME=value`. */
  readonly args?: readonly string[]
}

/**
 * Builds the bundles and packages a stage for deployment. Needs neither network nor AWS credentials.
 * @throws ExpectedError with what osls said, such as which settings the stage lacks; ExpectedError
 */
export async function packageStage(
  options: PackageOptions,
): Promise<Packaged & { readonly bundles: BundleResult }> {
  const { project = ROOT } = options
  const bundles = await bundle({ project })
  return { ...(await packageBuilt({ ...options, manifest: bundles.manifest })), bundles }
}

/**
 * Packages a stage from the bundles that are built already, which hold the automations of the manifest.
 * @throws ExpectedError
 */
export async function packageBuilt(
  options: PackageOptions & { readonly manifest: readonly ManifestEntry[] },
): Promise<Packaged> {
  const { stage, project = ROOT, args = [], manifest } = options
  return exclusively(lockOf(project), async () => {
    const folder = folderOf(project, stage)
    const { code, output } = await osls(['package', '--stage', stage, '--package', folder, ...args], {
      project,
      shown: false,
    })
    if (code !== 0 || output.includes(CONFIGURATION_WARNING)) throw new ExpectedError(reasonOf(output))
    return packagedStage({ stage, project, manifest })
  })
}

/** osls, wherever its output goes, works in the project's folder .serverless: one run must not meet another. */
export const lockOf = (project: string): string => join(project, '.boxhooks', 'osls.lock')

/** What osls says before it goes on with a serverless.yml that has a mistake. */
const CONFIGURATION_WARNING = 'Warning: Invalid configuration encountered'

/** What an earlier {@link packageStage} has left, for whoever does not want to wait for another. */
export async function packagedStage(
  packaged: Pick<Packaged, 'stage' | 'project' | 'manifest'>,
): Promise<Packaged> {
  const folder = folderOf(packaged.project, packaged.stage)
  const file = join(folder, 'cloudformation-template-update-stack.json')
  return { ...packaged, folder, template: parseTemplate(await readFile(file, 'utf8')) }
}

const folderOf = (project: string, stage: string): string => join(project, '.boxhooks', 'package', stage)

/**
 * Runs osls in a project.
 * @param shown whether what it prints is shown as it comes, rather than returned
 */
export function osls(
  args: readonly string[],
  { project, shown }: { readonly project: string; readonly shown: boolean },
): Promise<{ readonly code: number; readonly output: string }> {
  const manifest = createRequire(import.meta.url).resolve('osls/package.json')
  const script = join(dirname(manifest), 'bin', 'serverless.js')
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], {
      cwd: project,
      stdio: ['ignore', shown ? 'inherit' : 'pipe', shown ? 'inherit' : 'pipe'],
      env: { ...process.env, SLS_NOTIFICATIONS_MODE: 'off', SLS_TELEMETRY_DISABLED: '1' },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    child.on('error', reject)
    child.on('close', code => resolve({ code: code ?? 1, output }))
  })
}

/** What osls says went wrong, without its preamble about versions and its own path to it. */
function reasonOf(output: string): string {
  const [, warning] = output.match(/^Warning: (Invalid configuration encountered\n.*?)\n\n/ms) ?? []
  const after = warning ?? output.split(/^Error:\n/m)[1] ?? output
  const said = after.replace(/^.*?(Returned JS function errored with: |Received rejection: )(Error: )?/s, '')
  // Two functions lack the same settings.
  return said.replace(/,\n {2}- Cannot resolve variable.*/s, '').trim()
}

if (import.meta.main) {
  try {
    const { stage, rest } = stageOf(process.argv.slice(2))
    const packaged = await packageStage({ stage, args: rest })
    console.log(describeBundles(packaged.bundles))
    for (const name of FUNCTIONS) {
      const { size } = await stat(join(packaged.folder, `${name}.zip`))
      console.log(`${join('.boxhooks', 'package', stage, `${name}.zip`)} ${(size / 1024).toFixed(0)} KB`)
    }
    console.log(`Stage ${stage} is packaged. Next: npm run deploy -- --stage ${stage}`)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}

/** Takes `--stage X` out of the arguments; `dev` where there is none. */
export function stageOf(args: readonly string[]): { readonly stage: string; readonly rest: string[] } {
  const rest = [...args]
  const at = rest.findIndex(arg => arg === '--stage' || arg === '-s' || arg.startsWith('--stage='))
  if (at < 0) return { stage: 'dev', rest }
  const [option = '', value = ''] = rest.splice(at, rest[at]?.includes('=') ? 1 : 2)
  const stage = option.includes('=') ? option.slice(option.indexOf('=') + 1) : value
  const problem = stageProblem(stage)
  if (problem !== undefined) throw new ExpectedError(problem)
  return { stage, rest }
}
