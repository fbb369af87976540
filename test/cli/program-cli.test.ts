import { describe, expect, test } from 'vitest'
import { run } from '../../cli/program.ts'
import { CommandError } from '../../cli/terminal/command-error.ts'
import { ExpectedError } from '../../lib/base/expected-error.ts'
import { testShell } from '../support/command.ts'

describe('an error that ends a command', () => {
  const endedBy = async (thrown: unknown) => {
    const printed = { out: '', err: '' }
    const shell = testShell({}, printed)
    const code = await run(['conformance', '--list'], { ...shell, print: () => Promise.reject(thrown) })
    return { code, ...printed }
  }

  test('is shown by its message alone where it is expected', async () => {
    const reached = new ExpectedError('The queue is gone. Deploy again.', { cause: new Error('inner') })
    expect(await endedBy(reached)).toEqual({ code: 1, out: '', err: 'The queue is gone. Deploy again.\n' })
  })

  test('sets the exit code that it names', async () => {
    const unusable = new CommandError('Nothing answers.', { exitCode: 2 })
    expect(await endedBy(unusable)).toEqual({ code: 2, out: '', err: 'Nothing answers.\n' })
  })

  test('is shown with its stack and its cause where it is unexpected', async () => {
    const bug = new TypeError('x is not a function', { cause: new Error('inner') })
    const { code, err } = await endedBy(bug)
    expect(code).toBe(1)
    expect(err).toMatch(/^TypeError: x is not a function\n {4}at /)
    expect(err).toContain('[cause]: Error: inner')
  })
})
