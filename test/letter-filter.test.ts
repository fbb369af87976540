import { expect, test } from 'vitest'
import { ageText, isNarrow, type LetterFilter, matcherOf, parseAge } from '../cli/dlq/letter-filter.ts'
import type { DeadLetter } from '../lib/dead-letters.ts'

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
  expect(matcherOf({ events: [], ...filter })(letter)).toBe(isMeant)
  expect(isNarrow({ events: [], codes: undefined, ...filter })).toBe(Object.keys(filter).length > 0)
})

test.each([
  ['90s', 90],
  ['30m', 1800],
  ['2h', 7200],
  ['3d', 259_200],
  ['', undefined],
  ['3', undefined],
  ['-3d', undefined],
  ['1.5h', undefined],
  ['3 d', undefined],
])('the age %j has %s seconds', (text, seconds) => {
  expect(parseAge(text)).toBe(seconds)
})

test.each([
  [0, '0s'],
  [59, '59s'],
  [60, '1m'],
  [7199, '1h'],
  [259_200, '3d'],
])('%i seconds are told as %s', (seconds, text) => {
  expect(ageText(seconds)).toBe(text)
})
