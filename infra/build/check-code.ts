import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ROOT } from './bundle.ts'

/**
 * Checks automations for what the bundler, which only strips types, lets pass: types that are wrong, and promises that
 * are not awaited. Prints what is wrong.
 * @param folders such as `automations`
 * @returns the exit code: 0 where nothing is wrong
 */
export function checkAutomations(folders: readonly string[]): number {
  // File by file: of a folder the linter leaves out what a .gitignore somewhere above names.
  const files = globSync(
    folders.map(folder => `${folder}/**/*.ts`),
    { cwd: ROOT },
  )
  if (files.length === 0) return 0
  // What is not used does no harm, and must not keep anything from being deployed.
  const types = checkTypes('mine', files, { noUnusedLocals: false, noUnusedParameters: false })
  const promises = runScript('oxlint', 'bin/oxlint', files)
  return types || promises
}

/**
 * Checks the types of some files and folders, and of what they import, and prints what is wrong.
 * @param name of the configuration that it writes for the compiler
 * @param compilerOptions that differ from those of tsconfig.json
 * @returns the compiler's exit code
 */
export function checkTypes(
  name: string,
  include: readonly string[],
  compilerOptions: Readonly<Record<string, boolean>> = {},
): number {
  const folder = join(ROOT, '.boxhooks', 'types')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${name}.json`)
  const fromHere = (path: string) => `../../${path.replaceAll('\\', '/')}`
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions,
    include: [...globSync(include, { cwd: ROOT }), 'local/aws/dynalite.d.ts'].map(fromHere),
    exclude: ['../../local/inspector/page'],
  }
  writeFileSync(file, JSON.stringify(config, null, 2))
  return runScript('typescript', 'bin/tsc', ['--noEmit', '--project', file])
}

/** Runs a package's script with this Node, with no shell and no `.cmd` file. */
function runScript(name: string, script: string, args: readonly string[]): number {
  const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
  const { status } = spawnSync(process.execPath, [join(folder, script), ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  })
  return status ?? 1
}
