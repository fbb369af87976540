import { globSync } from 'node:fs'
import { ROOT } from '../infra/build/bundle.ts'
import { checkAutomations, checkTypes } from '../infra/build/check-code.ts'
import { countingIn, runPart } from './support/parts.ts'
import { runTool } from './support/tools.ts'

/** What is boxhooks' own; automations/ and test/automations/ are the user's. */
const ENGINE = [
  '.ci',
  '.github',
  'bench',
  'cli',
  'conformance',
  'examples',
  'functions',
  'infra',
  'lib',
  'local',
  'test/{cli,fixtures,integration,repository,support,thorough,unit}',
  'test/*.ts',
  '*.{json,ts}',
]
const USERS = ['automations', 'test/automations']

/**
 * Runs the suite that the arguments choose and returns the exit code:
 * none: lint, types and the fast suite of boxhooks itself, whatever the user's files hold;
 * `--mine`: types, forgotten awaits and tests of the user's automations;
 * a file, or a part of its path: that file and its types.
 * Options are passed on to vitest.
 */
function main(args: readonly string[]): number {
  const options = args.filter(arg => arg !== '--mine')
  const named = options.filter(arg => !arg.startsWith('-'))
  if (args.includes('--mine'))
    return firstFailure([
      () => checkAutomations(USERS),
      () => runTool('vitest', ['run', '--project', 'mine', '--passWithNoTests', ...options]),
    ])
  if (named.length > 0)
    return firstFailure([() => typesOfTests(named), () => runTool('vitest', ['run', ...options])])
  const tested = firstFailure([
    () => runTool('biome', ['lint', '--error-on-warnings', ...engineFiles()]),
    () => checkTypes('engine', ENGINE),
    () => runTool('tsc', ['--noEmit', '--project', 'local/inspector/page']),
    () => checkAutomations(['examples/automations']),
    () =>
      runPart('fast tests', results =>
        runTool('vitest', ['run', '--project', 'fast', ...countingIn(results), ...options]),
      ),
  ])
  const formatted = runTool('biome', ['check', '--linter-enabled=false', ...engineFiles()])
  if (formatted !== 0) console.error('\nThe formatting differs from the house style. Run: npm run format')
  return tested || (process.env.CI ? formatted : 0)
}

/** Runs steps until one fails. */
function firstFailure(steps: readonly (() => number)[]): number {
  for (const step of steps) {
    const code = step()
    if (code !== 0) return code
  }
  return 0
}

const engineFiles = (): string[] => globSync(ENGINE, { cwd: ROOT })

/** Checks types of the test files whose path holds one of these texts, as vitest chooses them. */
function typesOfTests(texts: readonly string[]): number {
  const files = globSync('test/**/*.test.ts', { cwd: ROOT }).filter(file =>
    texts.some(text => file.replaceAll('\\', '/').includes(text.replaceAll('\\', '/').replace(/^\.\//, ''))),
  )
  // What a test is given by the set-up of all is typed there.
  return files.length === 0 ? 0 : checkTypes('files', [...files, 'test/support/global-setup.ts'])
}

process.exit(main(process.argv.slice(2)))
