import { afterAll, beforeAll, expect, test } from 'vitest'
import { FRESH_RUN } from '../../../lib/ledger/record.ts'
import { canaryEvent, recordEvent } from '../../support/recorded.ts'
import { type ScratchClone, scratchClone } from '../../support/scratch-clone.ts'
import { useStage } from '../../support/stage.ts'

const at = useStage()
let clone: ScratchClone
beforeAll(async () => {
  clone = await scratchClone()
})
afterAll(() => clone.remove())

const done = { ...FRESH_RUN, status: 'done', attempts: 1 } as const
const failed = {
  ...FRESH_RUN,
  status: 'failed',
  attempts: 3,
  error: { code: 'box_forbidden', message: 'Box says no.' },
} as const
const skipped = { ...FRESH_RUN, status: 'skipped', reason: 'why not' } as const

test.each([
  ['archive-uploads', 'FILE.UPLOADED', done, 'is done with'],
  ['remove-shared-link-after-download', 'FILE.DOWNLOADED', failed, 'is done with'],
  ['remove-outside-collaborators', 'COLLABORATION.CREATED', skipped, 'leaves alone'],
])(
  'the test that boxhooks replay --as-test writes for %s passes all checks, and runs',
  { timeout: 120_000 },
  async (name, trigger, run, what) => {
    const event = canaryEvent(`canary-event-${name}`, trigger)
    await recordEvent(at.stage.ledger, { ...event, runs: { [name]: run } })
    const args = ['replay', event.id, '--as-test', '--stage', 'prod', '--json']
    const { code, out, err } = await clone.boxhooksWith(at.stage.env, ...args)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const { test: file }: { test: string } = JSON.parse(out)
    expect(await clone.tool('biome', 'check', '--error-on-warnings', file)).toMatchObject({ code: 0 })
    expect(await clone.tool('tsc', '--noEmit')).toEqual({ code: 0, out: '', err: '' })
    expect(await clone.tests(file)).toMatchObject({
      code: 0,
      out: expect.stringContaining(`${name} ${what} a recorded event`),
    })
  },
)
