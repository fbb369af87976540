import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readStageRef } from '../../../cli/stage/stage-ref.ts'
import { stageOf } from '../../../infra/build/package.ts'
import { stageProblem } from '../../../infra/stage/stage-name.ts'
import { runCommand } from '../../support/command.ts'

const LONG = 'a-very-long-branch-name-that-people-use-for-previews-in-ci'
const TOO_LONG = `"${LONG}" is too long for a stage: it has 58 characters, and at most 31 are possible.`

describe('a name that is too long for a stage', () => {
  test('is said to be too long when a stage is packaged', () => {
    expect(() => stageOf(['--stage', LONG])).toThrow(TOO_LONG)
  })

  test('is said to be too long by the commands that work on a stage', async () => {
    expect(() => readStageRef({ stage: LONG, port: 4400 })).toThrow(TOO_LONG)
    const { code, err } = await runCommand(['secrets', 'check', '--stage', LONG])
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(TOO_LONG) })
  })
})

test('what is said of a name is what is wrong with it', () => {
  const name = fc.oneof(fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9-]{0,60}$/), fc.string({ maxLength: 40 }))
  fc.assert(
    fc.property(name, one => {
      const problem = stageProblem(one)
      if (!/^[a-zA-Z][a-zA-Z0-9-]*$/.test(one)) expect(problem).toContain('letters, digits and hyphens')
      else if (one.length > 31) expect(problem).toContain(`it has ${one.length} characters`)
      else expect(problem).toBeUndefined()
    }),
    { seed: 16, numRuns: 1000 },
  )
})
