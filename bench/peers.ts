import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isObject, parseObject } from '../lib/base/json.ts'
import { hasRuntimeClient } from './instance.ts'

const HERE = import.meta.dirname

/**
 * Installs what boxhooks is compared with, where it is not there yet.
 * @param tell takes a line for people
 * @throws Error where npm fails, or has not started this
 */
export async function installPeers(tell: (line: string) => void): Promise<void> {
  if (!areInstalled()) {
    tell('Installing the peers into bench/ (npm ci). Building AWS’s runtime client takes some minutes, once.')
    const npm = spawn(
      process.execPath,
      [npmScript(), 'ci', '--no-audit', '--no-fund', '--loglevel', 'error'],
      {
        cwd: HERE,
        stdio: ['ignore', 'inherit', 'inherit'],
      },
    )
    const code = await new Promise<number | null>(resolve => npm.once('close', resolve))
    if (code !== 0) throw new Error('The peers could not be installed; npm says why above.')
  }
  if (!hasRuntimeClient())
    tell(
      'AWS’s runtime client (aws-lambda-ric) is not built here, which takes cmake, autoconf, automake, libtool, make, python3 and a C++ compiler. A plain Node process per run stands in for it.',
    )
}

/** Returns the path of npm's own script, which npm names to what it runs. */
function npmScript(): string {
  const { npm_execpath } = process.env
  if (npm_execpath === undefined)
    throw new Error(
      'The peers are not installed. Start the benchmarks with npm run bench, which installs them.',
    )
  return npm_execpath
}

/** Whether all is there that package.json names; AWS's runtime client may be lacking where it can't be built. */
function areInstalled(): boolean {
  const { dependencies = {} } = parseObject(readFileSync(join(HERE, 'package.json'), 'utf8')) ?? {}
  return Object.keys(isObject(dependencies) ? dependencies : {}).every(name =>
    existsSync(join(HERE, 'node_modules', name)),
  )
}
