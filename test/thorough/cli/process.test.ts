import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { serve } from '../../../local/serve.ts'
import { runSpawned, spawnCommand } from '../../support/spawn.ts'
import { useStage } from '../../support/stage.ts'

const at = useStage()

test('npx boxhooks start stops cleanly on Ctrl-C, also where it comes twice', {
  timeout: 180_000,
}, async () => {
  // A terminal sends it to the launcher and to what that has started, and the launcher passes its own on.
  const { child, printed, ended } = spawnCommand(['start', '--port', '0'], { entry: 'cli/boxhooks.mjs' })
  await expect.poll(() => printed.out, { timeout: 120_000 }).toContain('Ctrl-C stops everything')
  child.stdout?.on('data', () => child.kill('SIGINT'))
  child.kill('SIGINT')
  expect(await ended).toMatchObject({ code: 0, out: expect.stringContaining('Stopping …') })
})

test('npm start with an AWS that is not there says so without a stack trace', {
  timeout: 120_000,
}, async () => {
  const { code, err } = await runSpawned(['start', '--port', '0'], {
    env: { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' },
  })
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('unset AWS_ENDPOINT_URL') })
  expect(err).not.toContain('    at ')
})

test('npm run demo tells the story, and that all of it holds', { timeout: 120_000 }, async () => {
  const { code, out } = await runSpawned(['demo'])
  expect(code).toBe(0)
  expect(out).toMatch(/\d+ ms {2}verified and queued/)
  expect(out).toContain('(1 call to Box in all)')
  expect(out).toContain('All checks passed.')
})

test('a second Ctrl-C ends a command that waits for an answer at once', { timeout: 60_000 }, async () => {
  const asked = Promise.withResolvers<void>()
  const hanging = await serve({
    fetch: () => {
      asked.resolve()
      return new Promise<Response>(() => {})
    },
    port: 0,
  })
  const env = { ...at.stage.env, AWS_ENDPOINT_URL_SQS: hanging.url }
  const { child, printed, ended } = spawnCommand(['dlq', 'list', '--stage', 'prod'], { env })
  await asked.promise
  child.kill('SIGINT')
  await expect.poll(() => printed.err).toContain('Stopping')
  // Within a second it counts as the same one.
  child.kill('SIGINT')
  await delay(1100)
  expect(child.exitCode).toBeNull()
  child.kill('SIGINT')
  expect(await ended).toMatchObject({ code: 130, out: '' })
  await hanging.close()
})
