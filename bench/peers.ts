import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { hasRuntimeClient } from './instance.ts'

const HERE = import.meta.dirname

/**
 * Installs what boxhooks is compared with, where it is not there yet.
 * @param tell takes a line for people
 * @throws Error where npm fails
 */
export async function installPeers(tell: (line: string) => void): Promise<void> {
  if (!existsSync(join(HERE, 'node_modules', 'aws4'))) {
    tell('Installing the peers into bench/ (npm ci). Building AWS’s runtime client takes some minutes, once.')
    const npm = spawn('npm', ['ci', '--no-audit', '--no-fund', '--loglevel', 'error'], {
      cwd: HERE,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const code = await new Promise<number | null>(resolve => npm.once('close', resolve))
    if (code !== 0) throw new Error('The peers could not be installed; npm says why above.')
  }
  if (!hasRuntimeClient())
    tell(
      'AWS’s runtime client (aws-lambda-ric) is not built here, which takes cmake, autoconf, automake, libtool, make, python3 and a C++ compiler. A plain Node process per run stands in for it.',
    )
}
