import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EventStatus } from '../../../lib/ledger/record.ts'
import { createJournal, type Journal } from '../../../local/journal.ts'

const AT = Date.parse('2026-11-23T10:00:00Z')

const hear = (journal: Journal, event: string, fields: object = {}): void => {
  journal.line(
    'automate',
    JSON.stringify({ time: new Date(AT).toISOString(), level: 'info', event, eventId: 'e', ...fields }),
  )
}

/** Everything that automate logs of an event until it is settled. */
const life = fc
  .record({
    retries: fc.nat({ max: 3 }),
    skipped: fc.boolean(),
    status: fc.constantFrom<EventStatus>('done', 'dead'),
  })
  .map(({ retries, skipped, status }) => ({
    status,
    lines: [
      'delivery_accepted',
      ...Array.from({ length: retries }, () => ['run_started', 'run_retrying', 'event_waiting']).flat(),
      ...(skipped ? ['run_skipped'] : []),
      'run_started',
      ...(status === 'dead' ? ['run_failed', 'event_dead_lettered'] : ['run_done']),
      'event_finished',
    ],
  }))

describe('an event of which a killed worker did not write the last lines', () => {
  test('has the status that the ledger has, once its message has come again', async () => {
    await fc.assert(
      fc.asyncProperty(life, fc.nat(), fc.nat({ max: 2 }), async ({ status, lines }, heard, duplicates) => {
        const journal = createJournal({ ledgerStatus: async () => status })
        for (const event of lines.slice(0, heard % (lines.length + 1))) hear(journal, event, { status })
        for (let copy = 0; copy <= duplicates; copy += 1) hear(journal, 'event_duplicate')
        await expect.poll(() => journal.event('e')?.status).toBe(status)
      }),
      { seed: 16, numRuns: 200 },
    )
  })

  test('is told of to the page when the ledger has answered', async () => {
    const journal = createJournal({ ledgerStatus: async () => 'dead' })
    const told = new Promise(resolve =>
      journal.subscribe(({ status }) => status === 'dead' && resolve(status)),
    )
    hear(journal, 'run_started')
    hear(journal, 'event_duplicate')
    expect(await told).toBe('dead')
  })

  test('has the status that the ledger has when that is looked through', () => {
    const journal = createJournal()
    hear(journal, 'run_started')
    const known = { eventId: 'e', trigger: 'FILE.LOCKED', item: '', receivedAt: AT }
    journal.recorded({ ...known, status: 'open' })
    expect(journal.event('e')?.status).toBe('running')
    journal.recorded({ ...known, status: 'done' })
    expect(journal.event('e')?.status).toBe('done')
  })

  test.each<[string, () => Promise<EventStatus | undefined>]>([
    ['can’t be read', () => Promise.reject(new Error('gone'))],
    ['has no record', async () => undefined],
    ['has it as open', async () => 'open'],
  ])('keeps the status it had where the ledger %s', async (_, ledgerStatus) => {
    const journal = createJournal({ ledgerStatus })
    hear(journal, 'run_started')
    hear(journal, 'event_duplicate')
    await Promise.resolve()
    expect(journal.event('e')?.status).toBe('running')
  })
})

test('a duplicate of what was heard to end asks nobody', () => {
  let asked = 0
  const journal = createJournal({
    async ledgerStatus() {
      asked += 1
      return 'done'
    },
  })
  hear(journal, 'event_finished', { status: 'dead' })
  hear(journal, 'event_duplicate')
  expect([asked, journal.event('e')?.status]).toEqual([0, 'dead'])
})
