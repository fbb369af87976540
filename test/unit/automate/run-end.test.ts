import { spawnSync } from 'node:child_process'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../../../infra/build/bundle.ts'
import { attemptRun } from '../../../lib/automate/run.ts'
import { automation, bindSettings, skip } from '../../../lib/automation/automation.ts'
import { askFilter, FILTER_MS_MAX } from '../../../lib/automation/filter.ts'
import type { Box } from '../../../lib/box/box.ts'
import { parseEvent } from '../../../lib/event/event.ts'
import { LeaseLost, RecordFull } from '../../../lib/ledger/ledger.ts'
import { FRESH_RUN } from '../../../lib/ledger/record.ts'
import { recordRoom } from '../../../lib/ledger/record-room.ts'
import { createLog } from '../../../lib/log/log.ts'
import { samplePayload, wireBody } from '../../../local/box/events/payload.ts'
import { manualClock } from '../../support/manual-clock.ts'

const NOW = Date.parse('2026-11-23T10:00:00Z')
type Declaration = Parameters<typeof automation<'FILE.DOWNLOADED'>>[0]
type Run = Declaration['run']

function event() {
  const parsed = parseEvent(wireBody(samplePayload('FILE.DOWNLOADED')), { eventId: 'event-1' })
  if (!parsed.ok) throw new Error(parsed.reason.message)
  return parsed.event
}

function bind(declaration: Partial<Declaration>) {
  const [bound] = bindSettings(
    [automation({ name: 'one', on: 'FILE.DOWNLOADED', watch: { folder: '1' }, run() {}, ...declaration })],
    {},
  )
  if (!bound) throw new Error('There is no automation.')
  return bound
}

type Options = {
  readonly timeoutSeconds?: number
  readonly steps?: Readonly<Record<string, string>>
  readonly keepStep?: (name: string, json: string) => Promise<void>
  /** What box.files.getFileById() does. */
  readonly call?: (id: string) => Promise<unknown>
}

/** Begins a run whose time is 30 s under a clock that the test moves. */
function begin(run: Run, { timeoutSeconds, steps = {}, keepStep, call = async () => ({}) }: Options = {}) {
  const clock = manualClock(NOW)
  const lines: Record<string, unknown>[] = []
  const kept: string[] = []
  // Only what this test calls is there.
  const files: object = { getFileById: call }
  const box: object = { files }
  const result = attemptRun({
    bound: bind({ run, ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }) }),
    event: event(),
    run: { ...FRESH_RUN, attempts: 1, steps },
    deadline: NOW + 30_000,
    clock,
    log: createLog({ now: clock.now, write: line => lines.push(JSON.parse(line)) }),
    box: () => box as Box,
    keepStep: keepStep ?? (async name => void kept.push(name)),
    stepsBytes: recordRoom({}, 0).stepsBytes,
  })
  return { clock, lines, kept, result }
}

const turns = async (count = 5): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await setImmediate()
}

const failure = (code: string, message = '') => ({
  kind: 'failed',
  failure: expect.objectContaining({ code, message: expect.stringContaining(message) }),
})

describe('a run', () => {
  test('that fails ends once the steps beside it have ended, and their results are kept', async () => {
    let finish = () => {}
    const { result, kept } = begin(async ({ step }) => {
      await Promise.all([
        step('fails', () => Promise.reject(new Error('one of two'))),
        step(
          'slow',
          () =>
            new Promise<void>(resolve => {
              finish = resolve
            }),
        ),
      ])
    })
    let ended = false
    void result.then(() => {
      ended = true
    })
    await turns()
    expect(ended).toBe(false)
    finish()
    const { outcome, steps, unfinished } = await result
    expect(outcome).toMatchObject(failure('automation_threw', 'one of two'))
    expect({ steps, kept, unfinished }).toEqual({
      steps: { slow: '' },
      kept: ['slow'],
      unfinished: undefined,
    })
  })

  test('that fails while a call beside it never ends counts as unfinished when its time is over', async () => {
    const { clock, result } = begin(
      async ({ step, box }) => {
        await Promise.all([step('fails', () => Promise.reject(new Error('no'))), box.files.getFileById('1')])
      },
      { call: () => new Promise(() => {}) },
    )
    await turns()
    clock.advance(31_000)
    expect(await result).toMatchObject({
      outcome: failure('automation_threw', 'no'),
      unfinished: expect.any(Promise),
    })
  })

  test('begins nothing more once it has ended', async () => {
    let late: Promise<unknown> = Promise.resolve()
    let calls = 0
    const { result } = begin(async ({ step }) => {
      late = setImmediate()
        .then(() => turns(20))
        .then(() =>
          step('late', () => {
            calls += 1
          }),
        )
      late.catch(() => {})
    })
    expect((await result).outcome).toEqual({ kind: 'done' })
    await expect(late).rejects.toThrow('The run has ended')
    expect(calls).toBe(0)
  })

  test.each<[string, Run]>([
    [
      'one catch for each',
      async ({ step, signal }) => {
        for (let round = 0; round < 6; round += 1)
          try {
            signal.throwIfAborted()
            await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
            await step(`round ${round}`, () => {})
          } catch {}
      },
    ],
    [
      'allSettled',
      async ({ step, signal }) => {
        const aborted = new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        )
        await Promise.allSettled([aborted, aborted.catch(() => step('after', () => {}))])
      },
    ],
  ])('that swallows the end of its time (%s) is not done', async (_, run) => {
    const { clock, result } = begin(run, { timeoutSeconds: 10 })
    await turns()
    clock.advance(11_000)
    expect((await result).outcome).toMatchObject(failure('run_timed_out', '10 s'))
  })

  test('that swallows the loss of its lease is not done', async () => {
    const keepStep = () => Promise.reject(new LeaseLost('event-1'))
    const { result } = begin(({ step }) => step('a', () => {}).catch(() => {}), { keepStep })
    expect((await result).outcome).toMatchObject(failure('automation_threw', 'passed to another worker'))
  })

  test.each<[string, Run, string]>([
    [
      'a call to Box',
      ({ box }) => void box.files.getFileById('1'),
      'box.files.getFileById() was still under way',
    ],
    [
      'a call for another user',
      ({ box }) => void box.files.getFileById('1').catch(() => {}),
      'box.files.getFileById()',
    ],
    ['a step', ({ step }) => void step('copy', () => setImmediate()), 'step("copy") was still under way'],
    ['a rejection', () => void Promise.reject(new Error('lost')), 'Error: lost'],
    [
      'a rejection in a timer',
      async () =>
        void (await new Promise<void>(resolve => {
          setTimeout(() => {
            void Promise.reject(new Error('later'))
            resolve()
          }, 1)
        })),
      'Error: later',
    ],
  ])('that does not await %s fails for good, and the message names it', async (_, run, named) => {
    const { result, lines } = begin(run, { call: async () => turns(3) })
    const { outcome, unfinished } = await result
    expect(outcome).toMatchObject({ failure: { class: 'permanent', code: 'not_awaited' } })
    expect(outcome).toMatchObject(failure('not_awaited', named))
    expect(unfinished).toBeUndefined()
    if (named.startsWith('Error'))
      expect(lines).toMatchObject([{ event: 'rejection_unhandled', level: 'warn' }])
  })

  test('that awaits a promise later than it rejects is done', async () => {
    const { result } = begin(async () => {
      const early = Promise.reject(new Error('caught later'))
      await turns()
      await early.catch(() => {})
    })
    expect((await result).outcome).toEqual({ kind: 'done' })
  })

  test.each([
    [
      'to whoever listens for them',
      `process.on('unhandledRejection', reason => console.log('heard', reason));`,
    ],
    ['to Node, which ends the process', ''],
  ])('leaves the unhandled rejections of others %s', (_, listening) => {
    const code = `
      import { containRejections } from './lib/base/stray-rejections.ts'
      ${listening}
      const own = containRejections(async () => void Promise.reject('of a run'), reason => console.log('own', reason))
      await own.result
      void Promise.reject('of no run')
      setTimeout(() => console.log('goes on'), 20)
    `
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    const heard = listening ? ['heard of no run', 'goes on'] : []
    expect([stdout.trim().split('\n'), status]).toEqual([['own of a run', ...heard], listening ? 0 : 1])
  })
})

describe('a step', () => {
  test('may return nothing', async () => {
    const { result } = begin(async ({ step }) => {
      expect(await step('a', async () => {})).toBeUndefined()
    })
    expect(await result).toMatchObject({ outcome: { kind: 'done' }, steps: { a: '' } })
  })

  test.each([[''], ['x'.repeat(257)], ['\ud800'], ['toString'], [5]])(
    'can’t be named %j, and a run that swallows that is not done',
    async name => {
      let done = 0
      const { result } = begin(({ step }) =>
        step(name as string, () => {
          done += 1
        }).catch(() => {}),
      )
      expect((await result).outcome).toMatchObject({ failure: { class: 'permanent', code: 'permanent' } })
      expect(done).toBe(0)
    },
  )

  test.each<[string, () => never | string]>([
    ['is too large', () => 'x'.repeat(16_384)],
    ['is no JSON', () => 1n as never],
  ])('whose result %s is known to be done, and is never done again', async (_, fn) => {
    let done = 0
    const run: Run = async ({ step }) => {
      await step('copy', () => {
        done += 1
        return fn()
      })
    }
    const first = await begin(run).result
    expect(first.outcome).toMatchObject(failure('permanent', 'The step "copy" was done, but its result'))
    const again = await begin(run, { steps: first.steps }).result
    expect(again.outcome).toMatchObject(failure('permanent', 'The step "copy" was done, but its result'))
    expect(done).toBe(1)
  })

  test('that the ledger has no room for fails its run for good, and is known to be done', async () => {
    const keepStep = () => Promise.reject(new RecordFull('event-1', new Error('too large')))
    const { result } = begin(async ({ step }) => void (await step('a', () => 'x')), { keepStep })
    const { outcome, steps } = await result
    expect(outcome).toMatchObject({ failure: { class: 'permanent', code: 'record_full' } })
    expect(steps.a).toMatch(/^!/)
  })
})

describe('a filter', () => {
  const clock = manualClock(NOW)
  const log = createLog({ now: clock.now, write: () => {} })
  // Authors of JavaScript answer anything.
  const ask = (when: () => unknown, deadline = NOW + 30_000) =>
    askFilter(bind({ when: when as NonNullable<Declaration['when']> }), event(), { clock, log, deadline })

  test.each([
    ['true', () => true, { kind: 'run' }],
    ['a promise of true', async () => true, { kind: 'run' }],
    ['false', () => false, { kind: 'skip', reason: expect.stringContaining('false') }],
    ['a promise of false', async () => false, { kind: 'skip', reason: expect.stringContaining('false') }],
    ['a skip', async () => skip('not today'), { kind: 'skip', reason: 'not today' }],
    ['a skip of any length', () => skip('r'.repeat(500_000)), { kind: 'skip', reason: 'r'.repeat(500) }],
  ])('may answer %s', async (_, when, answer) => {
    expect(await ask(when)).toEqual(answer)
  })

  test.each([
    ['nothing', () => {}],
    ['a promise of nothing', async () => {}],
    ['1', () => 1],
    ['an object that is no skip', () => ({ skip: 5 })],
    ['null', () => null],
  ])('that answers %s is a mistake that the run fails with', async (_, when) => {
    const answer = await ask(when)
    expect(answer).toMatchObject({ kind: 'failed', thrown: expect.any(TypeError) })
    expect(String(answer.kind === 'failed' && answer.thrown)).toContain("true, false or skip('the reason')")
  })

  test('that throws, or does not answer in time, is a failure of the run', async () => {
    const reason = new Error('no')
    expect(await ask(() => Promise.reject(reason))).toEqual({ kind: 'failed', thrown: reason })
    const late = ask(() => new Promise(() => {}))
    await turns()
    clock.advance(FILTER_MS_MAX)
    expect(await late).toMatchObject({ thrown: { failure: { code: 'run_timed_out', class: 'transient' } } })
  })
})
