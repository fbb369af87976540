import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../infra/bundle.ts'

export type Ended = { readonly code: number | null; readonly out: string; readonly err: string }

/** A copy of this repository's code in a folder within it, for commands that read and write their own clone. */
export type ScratchClone = {
  readonly folder: string
  /** Runs the clone's command in a process of its own, as npx starts it. */
  boxhooks(...args: string[]): Promise<Ended>
  /** Runs a tool of node_modules/.bin in the clone. */
  tool(name: string, ...args: string[]): Promise<Ended>
  /** Writes a file of the clone. */
  write(path: string, text: string): Promise<void>
  remove(): Promise<void>
}

const COPIED = [
  'automations',
  'cli',
  'conformance',
  'functions',
  'infra',
  'lib',
  'local',
  'test/kit.ts',
  'test/automations',
  'biome.json',
  'package.json',
  'serverless.yml',
  'tsconfig.json',
]

export async function scratchClone(): Promise<ScratchClone> {
  await mkdir(join(ROOT, '.boxhooks'), { recursive: true })
  const folder = await mkdtemp(join(ROOT, '.boxhooks', 'clone-'))
  for (const path of COPIED) await cp(join(ROOT, path), join(folder, path), { recursive: true })
  return {
    folder,
    boxhooks: (...args) => run(folder, process.execPath, [join(folder, 'cli', 'main.ts'), ...args]),
    tool: (name, ...args) => run(folder, join(ROOT, 'node_modules', '.bin', name), args),
    write: (path, text) => writeFile(join(folder, path), text),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

function run(cwd: string, command: string, args: readonly string[]): Promise<Ended> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
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
