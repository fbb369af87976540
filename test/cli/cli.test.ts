import { type ChildProcess, spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ROOT } from '../../infra/bundle.ts'
import { boxEvent, signedDelivery } from '../kit.ts'

/** A command of the CLI in a process of its own, and what it has printed so far. */
function run(args: string[], env: Record<string, string> = {}, entry = 'cli/main.ts') {
  const child = spawn(process.execPath, [entry, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  })
  const printed = { text: '' }
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed.text += text
    })
  return { child, printed, ended: exitOf(child) }
}

const exitOf = (child: ChildProcess): Promise<number | null> =>
  new Promise(resolve => child.once('close', code => resolve(code)))

describe('npm start', () => {
  let stack: ReturnType<typeof run>
  let url: string
  beforeAll(async () => {
    const keys = { BOXHOOKS_PRIMARY_KEY: 'my-primary', BOXHOOKS_SECONDARY_KEY: 'my-secondary' }
    stack = run(['start'], { PORT: '0', ...keys })
    await vi.waitFor(() => expect(stack.printed.text).toContain('Ctrl-C stops everything'), 120_000)
    url = /front door +(\S+)/.exec(stack.printed.text)?.[1] ?? ''
  })
  afterAll(() => stack.child.kill('SIGKILL'))

  test('says where everything is, and takes its keys from the environment', async () => {
    for (const told of ['my-primary', 'my-secondary', 'archive-uploads', 'FILE.DOWNLOADED'])
      expect(stack.printed.text).toContain(told)
    const keys = { primary: 'my-primary', secondary: 'my-secondary' }
    const { body, headers } = signedDelivery(boxEvent('FILE.LOCKED', { id: 'cli-event' }), keys)
    const response = await fetch(url, { method: 'POST', headers, body: Uint8Array.from(body) })
    expect(response.status).toBe(202)
    await expect.poll(() => stack.printed.text, { timeout: 15_000 }).toMatch(/FILE\.LOCKED {2}done/)
  })

  test('on a port that is taken ends at once, saying what to do', async () => {
    const { port } = new URL(url)
    const second = run(['start', '--port', port])
    expect(await second.ended).toBe(1)
    expect(second.printed.text).toContain(`Port ${port} is taken.`)
    expect(second.printed.text).not.toContain('    at ')
  })

  test('with a port that is none says so', async () => {
    const wrong = run(['start', '--port', 'http'])
    expect(await wrong.ended).toBe(1)
    expect(wrong.printed.text).toContain('whole number from 0 to 65535')
  })

  test('with a variable that is no port, or an AWS that is not there, says so without a stack trace', async () => {
    const wrongPort = run(['start'], { PORT: 'http' })
    const noAws = run(['start', '--port', '0'], { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' })
    expect([await wrongPort.ended, await noAws.ended]).toEqual([1, 1])
    expect(wrongPort.printed.text).toContain("'http' from env 'PORT' is invalid")
    expect(noAws.printed.text).toContain('unset AWS_ENDPOINT_URL')
    expect(wrongPort.printed.text + noAws.printed.text).not.toContain('    at ')
  })

  test('stops cleanly on Ctrl-C', async () => {
    stack.child.kill('SIGINT')
    expect(await stack.ended).toBe(0)
    await expect(fetch(url)).rejects.toThrow()
  })
})

test('npx boxhooks start stops cleanly on Ctrl-C, also where it comes twice', async () => {
  // A terminal sends it to the launcher and to what that has started, and the launcher passes its own on.
  const { child, printed, ended } = run(['start', '--port', '0'], {}, 'cli/boxhooks.mjs')
  await vi.waitFor(() => expect(printed.text).toContain('Ctrl-C stops everything'), 120_000)
  child.stdout.on('data', () => child.kill('SIGINT'))
  child.kill('SIGINT')
  expect(await ended).toBe(0)
  expect(printed.text).toContain('Stopping …')
}, 60_000)

test('npm run demo tells the story, and that all of it holds', async () => {
  const demo = run(['demo'])
  expect(await demo.ended).toBe(0)
  expect(demo.printed.text).toMatch(/\d+ ms {2}verified and queued/)
  expect(demo.printed.text).toContain('(1 call to Box in all)')
  expect(demo.printed.text).toContain('All of it holds.')
})
