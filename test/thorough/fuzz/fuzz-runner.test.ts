import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { ROOT } from '../../../infra/build/bundle.ts'
import { fuzz } from './runner.ts'

const module = new URL('broken-boundary.ts', import.meta.url)

const run = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['test/thorough/fuzz/main.ts', '--boundaries', module.href, ...args],
    { cwd: ROOT, encoding: 'utf8' },
  )
  return { status, told: stdout + stderr }
}

test('tries as many cases as asked for, shared out by weight, and goes on at the other boundaries after a failure', async () => {
  const [small, any] = await fuzz({ cases: 40_000, seed: 1, module })
  expect(small?.failure?.report).toContain('is not small')
  expect(any).toMatchObject({ cases: 30_000, planned: 30_000 })
  expect(any).not.toHaveProperty('failure')
})

test('a failure ends with 1, and says how to have just that case again', () => {
  const { status, told } = run('--cases', '100', '--seed', '7')
  expect(status).toBe(1)
  expect(told).toContain('1000 is not small')
  const [, ...again] = /npm run fuzz -- (--only \S+) (--seed \S+) (--path \S+)/.exec(told) ?? []
  const repeated = run(...again.flatMap(option => option.split(' ')))
  expect(repeated).toMatchObject({ status: 1, told: expect.stringContaining('1000 is not small') })
  expect(repeated.told).toMatch(/small +1 /)
})

test('what holds ends with 0', () => {
  expect(run('--cases', '100', '--only', 'any')).toMatchObject({
    status: 0,
    told: expect.stringMatching(/any +100 .* holds/),
  })
})

test('a wrong option or name is told of without a stack trace', () => {
  for (const args of [['--cases', 'many'], ['--only', 'none'], ['--nonsense']]) {
    const { status, told } = run(...args)
    expect(status).toBe(1)
    expect(told).toMatch(/whole number|There is no boundary|unknown option/)
    expect(told).not.toContain('    at ')
  }
})
