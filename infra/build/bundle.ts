import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Metafile, type OutputFile } from 'esbuild'
import { automationsPlugin, type ManifestEntry, readManifest } from './manifest.ts'
import { versionOf, versionText } from './version.ts'
import { writeFile } from './write-file.ts'

/** The folder of boxhooks itself. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** The project of the samples, which the demo and the tests run. */
export const EXAMPLES = join(ROOT, 'examples')

export type BundleOptions = {
  /** The folder that holds serverless.yml and automations/; boxhooks' own by default. */
  readonly project?: string
  /** Where the bundles go; the project's `dist` by default. */
  readonly outDir?: string
  /** The project's `automations` by default. */
  readonly automationsDir?: string
}

export const FUNCTIONS = ['ingest', 'automate', 'reconcile', 'backfill'] as const
export type FunctionName = (typeof FUNCTIONS)[number]

export type BundleResult = {
  readonly manifest: readonly ManifestEntry[]
  readonly functions: Readonly<Record<FunctionName, { readonly bytes: number; readonly metafile: Metafile }>>
}

/**
 * Builds what Lambda runs: `<outDir>/<function>/index.mjs` with its chunks, source maps beside them, and
 * `<outDir>/automations.json`, which lists what the automations declare, and `<outDir>/version`, which tells what all is built from.
 * @throws ExpectedError where an automation can't be used, FileNotWritten, esbuild's errors where code does not compile
 */
export async function bundle(options: BundleOptions = {}): Promise<BundleResult> {
  const { project = ROOT } = options
  const outDir = resolve(project, options.outDir ?? 'dist')
  const automationsDir = resolve(project, options.automationsDir ?? 'automations')
  const manifest = await readManifest(automationsDir, join(outDir, 'declarations'))
  const withBox: BuildOptions = {
    // The Box SDK, ten times all the rest, is a chunk of its own that only a run that calls Box loads.
    splitting: true,
    plugins: [automationsPlugin(automationsDir)],
  }
  const [ingest, automate, reconcile, backfill] = await Promise.all([
    bundleFunction('ingest', outDir, {}),
    bundleFunction('automate', outDir, withBox),
    bundleFunction('reconcile', outDir, withBox),
    bundleFunction('backfill', outDir, withBox),
  ])
  await writeFile(join(outDir, 'automations.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  await writeFile(join(outDir, 'version'), `${versionText(await versionOf(ROOT, project))}\n`)
  return { manifest, functions: { ingest, automate, reconcile, backfill } }
}

/** Packages that are not ES modules, such as aws4, call require(). */
const REQUIRE =
  "import{createRequire as __boxhooksRequire}from'node:module';const require=__boxhooksRequire(import.meta.url);"

async function bundleFunction(name: FunctionName, outDir: string, options: BuildOptions) {
  const folder = join(outDir, name)
  const { metafile, outputFiles } = await build({
    entryPoints: { index: join(ROOT, 'functions', `${name}.ts`) },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunk-[hash]',
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    // The AWS SDK's ES modules, not its CommonJS: only those lose what is not used.
    mainFields: ['module', 'main'],
    format: 'esm',
    banner: { js: REQUIRE },
    sourcemap: 'linked',
    sourcesContent: false,
    absWorkingDir: ROOT,
    logLevel: 'silent',
    ...options,
    metafile: true,
    write: false,
  })
  await replaceFiles(folder, outputFiles)
  await mkdir(join(outDir, 'meta'), { recursive: true })
  await writeFile(join(outDir, 'meta', `${name}.json`), JSON.stringify(metafile))
  const { size: bytes } = await stat(join(folder, 'index.mjs'))
  return { bytes, metafile }
}

/** Leaves a file that stays the same untouched: another process may be running it. */
async function replaceFiles(folder: string, files: readonly OutputFile[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const { path, contents } of files) {
    const old = await readFile(path).catch(() => undefined)
    if (!old?.equals(contents)) await writeFile(path, contents)
  }
  const paths = new Set(files.map(({ path }) => path))
  for (const name of await readdir(folder))
    if (!paths.has(join(folder, name))) await rm(join(folder, name), { recursive: true })
}

/** The files of a bundle that are loaded at a cold start: the entry and all that it imports outright. */
export function startFiles({ outputs }: Metafile): string[] {
  const entry = Object.keys(outputs).find(file => file.endsWith('/index.mjs'))
  const found = new Set(entry === undefined ? [] : [entry])
  for (const file of found)
    for (const { path, kind, external } of outputs[file]?.imports ?? [])
      if (kind === 'import-statement' && !external) found.add(path)
  return [...found]
}

/** What was built, a line each, for people. */
export function describeBundles({ manifest, functions }: BundleResult): string {
  const lines = Object.entries(functions).map(([name, { metafile }]) => {
    const code = Object.keys(metafile.outputs).filter(file => file.endsWith('.mjs'))
    const kilobytes = (files: readonly string[]) =>
      Math.round(files.reduce((sum, file) => sum + (metafile.outputs[file]?.bytes ?? 0), 0) / 1024)
    const start = startFiles(metafile)
    const later = code.filter(file => !start.includes(file))
    return `${name}: ${kilobytes(start)} KB at start${later.length > 0 ? `, ${kilobytes(later)} KB when needed` : ''}`
  })
  return [...lines, `automations: ${manifest.map(({ name }) => name).join(', ') || 'none'}`].join('\n')
}

if (import.meta.main) {
  try {
    console.log(describeBundles(await bundle()))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
