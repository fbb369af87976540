import { type ChildProcess, spawn } from 'node:child_process'

export type MotoServer = { readonly endpoint: string; stop(): Promise<void> }

/** How long moto may take to start, in milliseconds: Python reads a lot of files the first time. */
const PATIENCE_MS = 60_000

/**
 * Starts moto, an emulated AWS, on a port that is free.
 * @returns undefined where moto is not installed
 * @throws Error with what moto said, where it does not start
 */
export async function startMoto(): Promise<MotoServer | undefined> {
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', '0'], { stdio: ['ignore', 'pipe', 'pipe'] })
  const endpoint = await endpointOf(child)
  if (endpoint === undefined) return undefined
  return {
    endpoint,
    stop: () =>
      new Promise(resolve => {
        child.once('exit', () => resolve())
        child.kill()
      }),
  }
}

function endpointOf(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let output = ''
    const fail = (what: string) => reject(new Error(`moto_server ${what}:\n${output}`))
    const timer = setTimeout(() => {
      child.kill()
      fail('did not start in time')
    }, PATIENCE_MS)
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text
        const [, endpoint] = output.match(/Running on (http:\/\/127\.0\.0\.1:\d+)/) ?? []
        if (endpoint === undefined) return
        clearTimeout(timer)
        output = ''
        resolve(endpoint)
      })
    child.once('error', error => {
      clearTimeout(timer)
      if ('code' in error && error.code === 'ENOENT') resolve(undefined)
      else reject(error)
    })
    child.once('exit', code => {
      clearTimeout(timer)
      // What pyenv's stand-in says of a command that the Python in use does not have.
      if (code === 127) resolve(undefined)
      else fail(`ended with code ${code}`)
    })
  })
}
