import { readFileSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { parse } from 'yaml'
import { RESERVE_MS } from '../../lib/automate/disposition.ts'
import { ExpectedError } from '../../lib/base/expected-error.ts'
import { isObject } from '../../lib/base/json.ts'

/** What an automation declares, as far as deploying it needs to know. */
export type ManifestEntry = {
  readonly file: string
  readonly name: string
  readonly description?: string
  readonly on: readonly string[]
  readonly watch: readonly { readonly type: string; readonly id: string }[]
  /** Whether V1 callbacks run it. */
  readonly v1?: boolean
  /** Name → what it means. */
  readonly settings: Readonly<Record<string, string>>
}

/**
 * Lists the automations' files in order of their names; a file beside them that tests one is left out. A folder that does
 * not exist has none: git keeps no empty folder.
 */
async function automationFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names
    .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('.d.ts'))
    .sort()
    .map(name => join(folder, name))
}

/** Lets code import the list of automations as `boxhooks:automations`, so that adding one touches one file. */
export function automationsPlugin(folder: string): Plugin {
  return {
    name: 'boxhooks-automations',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^boxhooks:automations$/ }, ({ path }) => ({ path, namespace: 'boxhooks' }))
      onLoad({ filter: /.*/, namespace: 'boxhooks' }, async () => {
        const files = (await automationFiles(folder)).map(file => resolve(file))
        const imports = files.map((file, index) => `import a${index} from ${JSON.stringify(file)}`)
        const list = files.map((_, index) => `a${index}`).join(', ')
        return {
          contents: [...imports, `export default [${list}]`].join('\n'),
          resolveDir: resolve(folder),
          watchFiles: files,
          watchDirs: [resolve(folder)],
        }
      })
    },
  }
}

/** What one file declares, or why that can't be told; the reason names the file. */
export type Declaration =
  | { readonly file: string; readonly entry: ManifestEntry }
  | { readonly file: string; readonly error: ExpectedError }

/**
 * Reads what the automations of a folder declare, by running their declarations.
 * @param workFolder where the code that is run may be written
 * @throws ExpectedError that names the file at fault, and what is wrong with it
 */
export async function readManifest(folder: string, workFolder: string): Promise<ManifestEntry[]> {
  return (await readDeclarations(folder, workFolder)).map(declaration => {
    if ('error' in declaration) throw declaration.error
    return declaration.entry
  })
}

/**
 * Reads what each automation of a folder declares; one that can't be read doesn't hide the others.
 * @param workFolder where the code that is run may be written
 */
export async function readDeclarations(folder: string, workFolder: string): Promise<Declaration[]> {
  const files = await automationFiles(folder)
  const declarations = await Promise.all(files.map(file => readDeclaration(file, workFolder)))
  return declarations.map((declaration, index) => {
    if ('error' in declaration) return declaration
    const { file, entry } = declaration
    const twin = declarations.slice(0, index).find(one => 'entry' in one && one.entry.name === entry.name)
    if (!twin) return declaration
    const message = `${twin.file} and ${file} both declare an automation named ${JSON.stringify(entry.name)}. The ledger knows an automation by its name: give one of them another.`
    return { file, error: new ExpectedError(message) }
  })
}

async function readDeclaration(path: string, workFolder: string): Promise<Declaration> {
  const file = basename(path)
  try {
    return { file, entry: await readEntry(path, workFolder) }
  } catch (error) {
    if (error instanceof ExpectedError) return { file, error }
    throw error
  }
}

async function readEntry(path: string, workFolder: string): Promise<ManifestEntry> {
  const file = relative('.', path)
  const outfile = join(workFolder, `${basename(file, '.ts')}.mjs`)
  const { outputFiles } = await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
    write: false,
  }).catch((error: unknown) => {
    throw new ExpectedError(`${file} does not compile: ${messageOf(error)}`, { cause: error })
  })
  const code = outputFiles[0]?.text ?? ''
  // Code that is imported from a data: URL can't resolve packages, so it takes a file.
  await mkdir(workFolder, { recursive: true })
  await writeFile(outfile, code)
  let exported: unknown
  try {
    const version = outputFiles[0]?.hash ?? ''
    const module: Record<string, unknown> = await import(
      `${pathToFileURL(resolve(outfile)).href}?v=${encodeURIComponent(version)}`
    )
    exported = module.default
  } catch (error) {
    throw new ExpectedError(`${file} can't be loaded: ${messageOf(error)}`, { cause: error })
  }
  return entryOf(exported, file)
}

function entryOf(exported: unknown, file: string): ManifestEntry {
  const fail = (): never => {
    throw new ExpectedError(
      `${file} has no automation as its default export. Write: export default automation({ name, on, watch, run }).`,
    )
  }
  if (!isObject(exported)) return fail()
  const { name, on, watch, v1, settings, description, timeoutSeconds, run } = exported
  if (typeof name !== 'string' || typeof run !== 'function' || !Array.isArray(on) || !Array.isArray(watch))
    return fail()
  checkTimeout(timeoutSeconds, file)
  return {
    file: basename(file),
    name,
    on: on.filter(one => typeof one === 'string'),
    watch: watch.filter(isObject).map(({ type, id }) => ({ type: String(type), id: String(id) })),
    settings: isObject(settings)
      ? Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, String(value)]))
      : {},
    ...(v1 === true ? { v1 } : {}),
    ...(typeof description === 'string' ? { description } : {}),
  }
}

/** An automation that asks for more time than its function has would never have it. */
function checkTimeout(timeoutSeconds: unknown, file: string): void {
  const has = automateTimeoutSeconds()
  const most = Math.floor(has - RESERVE_MS / 1000)
  if (typeof timeoutSeconds === 'number' && timeoutSeconds > most)
    throw new ExpectedError(
      `${file}: timeoutSeconds is ${timeoutSeconds}, and the function automate has ${has} s, of which it keeps ${RESERVE_MS / 1000} for writing the outcome. Ask for at most ${most}, and do in several runs what takes longer.`,
    )
}

/** How long the function automate may take, in seconds, as service.yml has it. */
function automateTimeoutSeconds(): number {
  const text = readFileSync(join(import.meta.dirname, '..', 'serverless', 'service.yml'), 'utf8')
  // CloudFormation's own tags are unknown to the parser, and do not matter here.
  const service: unknown = parse(text, { logLevel: 'silent' })
  const functions = isObject(service) ? service.functions : undefined
  const automate = isObject(functions) ? functions.automate : undefined
  if (!isObject(automate) || typeof automate.timeout !== 'number')
    throw new Error('infra/serverless/service.yml must have functions.automate.timeout, a number of seconds.')
  return automate.timeout
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
