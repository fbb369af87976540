import { describe, expect, test } from 'vitest'
import { FRESH_RUN } from '../../../lib/ledger/record.ts'
import { recordOf } from '../../support/records.ts'
import type { DeadLetter } from './dead-letters.ts'
import { judge } from './verdict.ts'
import { Witness } from './witness.ts'

/** The history of one event as it should be, in milliseconds from the claim; a test bends it in one place. */
function history() {
  const witness = new Witness()
  witness.event('e', 'steps-refused')
  const written = { eventId: 'e', worker: 'a', runs: {}, steps: [] }
  const claim = (worker: string, at: number) =>
    witness.write({ ...written, worker, at, claimedUntil: at + 8000 })
  const effect = (name: string, at: number, worker = 'a') => witness.effect(`e:${name}`, worker, at)
  const step = (name: string, at: number) => witness.write({ ...written, at, steps: [`three-steps:${name}`] })
  const record = recordOf({
    status: 'dead',
    runs: {
      single: { status: 'done' },
      'three-steps': { status: 'done' },
      stumbles: { status: 'skipped' },
      refuses: { status: 'failed', error: { code: 'permanent', message: 'no' } },
    },
  })
  const letter: DeadLetter = { eventId: 'e', code: 'permanent', automations: ['refuses'], sentAt: 500 }
  const finish = (at: number) =>
    witness.write({
      ...written,
      at,
      status: 'dead',
      runs: { refuses: 'failed', single: 'done', 'three-steps': 'done' },
    })
  return { witness, claim, effect, step, finish, record, letter }
}

type History = ReturnType<typeof history>

function sound(bend: (history: History) => void = () => {}, finishedAt = 600): History {
  const made = history()
  made.claim('a', 0)
  made.effect('single:call', 100)
  for (const [index, name] of ['first', 'second', 'third'].entries()) {
    made.effect(`three-steps:${name}`, 100 + index * 100)
    made.step(name, 150 + index * 100)
  }
  bend(made)
  made.finish(finishedAt)
  return made
}

const verdictOf = ({ witness, record, letter }: History, ledger = [record], letters = [letter]) =>
  judge(witness, new Map(ledger.map(one => [one.eventId, one])), letters)

describe('the verdict', () => {
  test('finds nothing in what is as it should be', () => {
    const clean = {
      violations: [],
      repeats: { lost: 0, cut: 0, told: 0 },
      inFlight: 0,
      repeatedDeadLetters: 0,
    }
    expect(verdictOf(sound())).toEqual(clean)
  })

  test('sees what is missing', () => {
    const made = history()
    made.claim('a', 0)
    const { violations } = verdictOf(made, [], [])
    const missing = ['single:call', 'three-steps:first', 'three-steps:second', 'three-steps:third']
    for (const name of missing)
      expect(violations).toContain(`Event e (steps-refused) lacks its effect ${name}.`)
    expect(violations).toContain('Event e (steps-refused) is not in the ledger.')
    expect(violations).toContain('Event e (steps-refused) has no dead letter.')
  })

  test('sees an effect that nobody asked for', () => {
    const { violations } = verdictOf(sound(({ effect }) => effect('stumbles:call', 200)))
    expect(violations).toEqual(['stumbles:call of event e by a is not one of steps-refused.'])
  })

  test('sees a repetition that nothing excuses', () => {
    const { violations } = verdictOf(sound(({ effect }) => effect('single:call', 200)))
    expect(violations).toEqual([expect.stringContaining('nothing kept a from recording it')])
  })

  test('lets a repetition pass after its worker was killed, but not once the ledger had it', () => {
    const killed = sound(({ witness, effect, claim }) => {
      witness.lost('a')
      const later = Date.now() + 20_000
      claim('b', later)
      effect('single:call', later + 10, 'b')
      effect('three-steps:first', later + 20, 'b')
    }, Date.now() + 30_000)
    const { violations, repeats } = verdictOf(killed)
    expect(repeats).toEqual({ lost: 2, cut: 0, told: 0 })
    expect(violations).toEqual([
      expect.stringMatching(/^three-steps:first of event e by b came after the ledger/),
    ])
  })

  test('lets a repetition pass where the call arrived just after its run was out of time, and not long after', () => {
    const made = (told: number) =>
      sound(({ witness, effect }) => {
        const line = { event: 'run_retrying', eventId: 'e', automation: 'three-steps', code: 'run_timed_out' }
        witness.line('a', JSON.stringify(line), told)
        effect('three-steps:second', 240)
      })
    expect(verdictOf(made(150)).repeats).toEqual({ lost: 0, cut: 0, told: 1 })
    expect(verdictOf(made(-900)).violations.join('\n')).toContain('came again')
  })

  test('sees a step that begins before the one before it is kept', () => {
    const made = history()
    made.claim('a', 0)
    made.effect('three-steps:first', 100)
    made.effect('three-steps:second', 1000)
    expect(verdictOf(made).violations).toContain(
      'three-steps:second of event e by a came before the ledger had the step before it.',
    )
  })

  test('sees a call under a lease that is over, or has passed on', () => {
    const late = verdictOf(sound(({ effect }) => effect('three-steps:third', 20_000)))
    expect(late.violations).toEqual([expect.stringContaining('came 12000 ms after its lease')])
    const passed = sound(({ claim, effect }) => {
      claim('b', 400)
      effect('three-steps:third', 500, 'a')
    })
    expect(verdictOf(passed).violations).toContain(
      'three-steps:third of event e by a came after b had claimed the event.',
    )
    expect(verdictOf(sound(({ effect }) => effect('single:call', 90, 'c'))).violations).toContain(
      'single:call of event e by c came without a claim on its event.',
    )
  })

  test('lets one call of a run pass that was in flight when its worker was stopped, and no second one', () => {
    const stopped = (calls: readonly string[]) =>
      sound(({ witness, effect }) => {
        witness.lost('a')
        for (const name of calls) effect(name, Date.now() + 20_000)
      })
    expect(verdictOf(stopped(['three-steps:third']))).toMatchObject({ violations: [], inFlight: 1 })
    expect(verdictOf(stopped(['three-steps:second', 'three-steps:third'])).violations).toHaveLength(1)
  })

  test('sees an event or a run that ended otherwise', () => {
    const made = sound()
    const { record } = made
    const runs = { ...record.runs, refuses: { ...FRESH_RUN, status: 'done' }, single: FRESH_RUN } as const
    expect(verdictOf(made, [{ ...record, status: 'open', runs }]).violations).toEqual([
      'Event e (steps-refused) is open, and must be dead.',
      expect.stringContaining('single is pending'),
      expect.stringContaining('refuses is done'),
      expect.stringContaining('failed at event e with undefined'),
    ])
  })

  test('sees dead letters that are too many, wrong, or too late', () => {
    const made = sound()
    const { letter } = made
    const told = (letters: DeadLetter[]) => verdictOf(made, undefined, letters).violations.join('\n')
    expect(told([letter, { ...letter, eventId: 'x' }])).toContain('unknown event x')
    expect(told([{ ...letter, code: 'worker_lost' }])).toContain('names refuses with worker_lost')
    expect(told([{ ...letter, sentAt: 900 }])).toContain('sent after the ledger had it')
    expect(told([letter, { ...letter, sentAt: 9000 }])).toContain('sent after the ledger had it')
    // Held back on its way while another worker sent and marked.
    expect(told([letter, { ...letter, sentAt: 900 }])).toBe('')
    const plain = new Witness()
    plain.event('e', 'plain')
    const { violations } = judge(plain, new Map(), [letter])
    expect(violations).toContain('Event e (plain) is dead-lettered with permanent.')
  })
})
