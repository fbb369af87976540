#!/usr/bin/env node
// Starts the command line under the Node that Lambda has, which is installed beside it.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
/** Where Node keeps what it has compiled, so that the next command starts in half the time. */
const NODE_COMPILE_CACHE = fileURLToPath(new URL('../.boxhooks/compile-cache', import.meta.url))

/** The binary of the package `node`; undefined where the packages are not installed. */
function ownNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'))
    const binary = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(binary) ? binary : undefined
  } catch {
    return undefined
  }
}

const node = ownNode()
if (node) {
  const child = spawn(node, [main, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { NODE_COMPILE_CACHE, ...process.env },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) =>
    process.exit(code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 15)),
  )
} else {
  console.error('The packages are not installed. Run npm ci in the clone of boxhooks first.')
  process.exitCode = 2
}
