import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EXAMPLES, ROOT } from '../../infra/build/bundle.ts'
import { scriptOf, type Tool } from './tools.ts'

type Ended = { readonly code: number | null; readonly out: string; readonly err: string }

/** A copy of this repository's code, of the automations just the samples, in a folder within it, for commands that read and write their own clone. */
export type ScratchClone = {
  readonly folder: string
  /** Runs the clone's command in a process of its own, as npx starts it. */
  boxhooks(...args: string[]): Promise<Ended>
  /** Runs it with more in its environment. */
  boxhooksWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended>
  /** Runs a tool, or a script of Node, in the clone. */
  tool(name: Tool | 'node', ...args: string[]): Promise<Ended>
  /** Runs tests of the clone. */
  tests(...files: string[]): Promise<Ended>
  /** Writes a file of the clone. */
  write(path: string, text: string): Promise<void>
  remove(): Promise<void>
}

const COPIED = [
  '.gitignore',
  '.oxlintrc.json',
  'index.ts',
  'cli',
  'conformance',
  'functions',
  'infra',
  'lib',
  'local',
  'test/kit.ts',
  'biome.json',
  'package-lock.json',
  'package.json',
  'tsconfig.json',
]

/** Without the setup of this repository's tests, which packages the stage local for tests of the whole. */
const VITEST_CONFIG = `import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: { include: ['test/**/*.test.ts'], testTimeout: 20_000, hookTimeout: 60_000 },
})
`

export async function scratchClone(): Promise<ScratchClone> {
  await mkdir(join(ROOT, '.boxhooks'), { recursive: true })
  const folder = await mkdtemp(join(ROOT, '.boxhooks', 'clone-'))
  for (const path of COPIED) await cp(join(ROOT, path), join(folder, path), { recursive: true })
  for (const path of ['automations', 'test/automations'])
    await cp(join(EXAMPLES, path), join(folder, path), { recursive: true })
  const service = await readFile(join(EXAMPLES, 'serverless.yml'), 'utf8')
  await writeFile(join(folder, 'serverless.yml'), service.replaceAll('../infra', 'infra'))
  await writeFile(join(folder, 'vitest.config.ts'), VITEST_CONFIG)
  const main = join(folder, 'cli', 'main.ts')
  const tool: ScratchClone['tool'] = (name, ...args) =>
    runNode(folder, name === 'node' ? args : [scriptOf(name), ...args])
  return {
    folder,
    boxhooks: (...args) => runNode(folder, [main, ...args]),
    boxhooksWith: (env, ...args) => runNode(folder, [main, ...args], env),
    tool,
    tests: (...files) => tool('vitest', 'run', '--reporter=verbose', ...files),
    write: (path, text) => writeFile(join(folder, path), text),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Runs Node in a folder. */
function runNode(
  cwd: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST$|NODE_ENV$)/.test(name))
  const env = { ...Object.fromEntries(own), NO_COLOR: '1', ...more }
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const printed = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed.err += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ code, ...printed }))
  })
}
