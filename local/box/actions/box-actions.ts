import type { Fault } from '../state/faults.ts'
import { invalidParameter } from '../state/refusal.ts'
import { choice, type Doing, text } from './action.ts'

const STATUSES = ['202', '401', '403', '404', '409', '429', '500', '502', '503', '504', 'timeout'] as const

/** What is done to Box as a whole, most of it out of the ordinary. */
export const BOX_DOINGS: readonly Doing[] = [
  {
    name: 'end-session',
    label: 'End the app’s session',
    on: 'box',
    fields: [],
    triggers: ['NO_ACTIVE_SESSION'],
    hint: 'Events come as NO_ACTIVE_SESSION, without id and payload, until the session begins again.',
    act: box => box.setSession(true),
  },
  {
    name: 'begin-session',
    label: 'Begin it again',
    on: 'box',
    fields: [],
    triggers: [],
    hint: 'Events come with their payload again.',
    act: box => box.setSession(false),
  },
  {
    name: 'reorder',
    label: 'Reorder the next deliveries',
    on: 'box',
    fields: [text('count', 'How many', '3')],
    triggers: [],
    hint: 'They are kept back until there are so many, and go out with the last one first.',
    act: ({ deliveries }, _, { count = '' }) => deliveries.reorderNext(countIn('count', count, 1000)),
  },
  {
    name: 'release',
    label: 'Send what is kept back',
    on: 'box',
    fields: [],
    triggers: [],
    hint: 'Reordered deliveries go out without waiting for more.',
    act: ({ deliveries }) => deliveries.release(),
  },
  {
    name: 'lose-deliveries',
    label: 'Lose the next attempts',
    on: 'box',
    fields: [text('count', 'How many', '1')],
    triggers: [],
    hint: 'They reach nobody, as when the endpoint is down: Box tries again, up to 12 times over two hours.',
    act: ({ deliveries }, _, { count = '' }) => deliveries.loseNext(countIn('count', count, 1000)),
  },
  {
    name: 'hurry-retries',
    label: 'Try again now',
    on: 'box',
    fields: [],
    triggers: [],
    hint: 'Deliveries that wait for their next attempt get it at once.',
    act: ({ deliveries }) => deliveries.hurry(),
  },
  {
    name: 'fail-api',
    label: 'Let the API fail',
    on: 'box',
    fields: [
      choice('method', 'Method', ['any', 'GET', 'POST', 'PUT', 'DELETE']),
      text('path', 'Path, or how it begins', '/2.0/files'),
      choice('status', 'Answer', STATUSES),
      text('retryAfter', 'Retry-After in seconds, if any'),
      text('times', 'How often (empty: until it is mended)', '1'),
    ],
    triggers: [],
    hint: 'Calls that match are answered so, or not at all, as often as is said.',
    act: ({ faults }, _, fields) => faults.push(faultIn(fields)),
  },
  {
    name: 'mend-api',
    label: 'Restore the API',
    on: 'box',
    fields: [],
    triggers: [],
    hint: 'The API answers as it should.',
    act: ({ faults }) => faults.splice(0),
  },
]

function countIn(field: string, given: string, most: number): number {
  const count = /^\d{1,6}$/.test(given) ? Number(given) : 0
  if (count < 1 || count > most) throw invalidParameter(field, `It must be a number from 1 to ${most}`)
  return count
}

function faultIn(fields: Readonly<Record<string, string>>): Fault {
  const { method = 'any', path = '', status = '', retryAfter = '', times = '' } = fields
  const known = STATUSES.find(one => one === status)
  if (!known) throw invalidParameter('status', `Invalid value '${status}'`)
  return {
    ...(method === 'any' ? {} : { method }),
    ...(path === '' ? {} : { path: beginning(path) }),
    times: times === '' ? Number.POSITIVE_INFINITY : countIn('times', times, 100_000),
    status: known === 'timeout' ? known : Number(known),
    ...(retryAfter === '' ? {} : { retryAfterSeconds: countIn('retryAfter', retryAfter, 86_400) }),
  }
}

/** What begins as a text does, which is no pattern itself. */
const beginning = (path: string): RegExp => new RegExp(`^${path.replaceAll(/[^\w/]/g, '\\$&')}`)
