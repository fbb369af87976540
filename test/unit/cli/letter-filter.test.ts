import { expect, test } from 'vitest'
import { createMatcher, isNarrow, type LetterFilter } from '../../../cli/dlq/letter-filter.ts'
import type { DeadLetter } from '../../../lib/operations/dead-letters.ts'

const run = (name: string, code: string) => ({ name, code, message: '', attempts: 1, redrives: 0 })
const letter: DeadLetter = {
  eventId: 'e1',
  deliveryId: 'd1',
  trigger: 'FILE.UPLOADED',
  receivedAt: '',
  origin: 'webhook',
  code: 'first',
  message: '',
  at: '',
  ageSeconds: 3600,
  sentAt: 0,
  automations: [run('one', 'first'), run('two', 'second')],
  body: Buffer.from(''),
  held: { messageId: '', receiptHandle: '', received: {} },
}

test.each<[Omit<LetterFilter, 'events'> & { events?: string[] }, boolean]>([
  [{}, true],
  [{ events: ['e1', 'e2'] }, true],
  [{ events: ['e2'] }, false],
  [{ codes: ['first'] }, true],
  [{ codes: ['other', 'second'] }, true],
  [{ codes: ['other'] }, false],
  [{ automations: ['two'] }, true],
  [{ automations: ['three'] }, false],
  [{ automations: ['two'], codes: ['other'] }, false],
  [{ olderThanSeconds: 3600 }, true],
  [{ olderThanSeconds: 3601 }, false],
  [{ newerThanSeconds: 3600 }, true],
  [{ newerThanSeconds: 3599 }, false],
])('the filter %j means the letter: %s', (filter, isMeant) => {
  expect(createMatcher({ events: [], ...filter })(letter)).toBe(isMeant)
  expect(isNarrow({ events: [], codes: undefined, ...filter })).toBe(Object.keys(filter).length > 0)
})
