import { boxTimestamp, TIMESTAMP, withHeaders } from './delivery.ts'
import { requirements } from './requirement.ts'

const MINUTE = 60_000
const READ = 'Read the timestamp as RFC 3339, with any offset, in either case and with fractions of a second.'
const AGE =
  'Refuse deliveries whose signed timestamp lies more than ten minutes back, and allow for clocks that differ a little.'

/** @see https://developer.box.com/guides/webhooks/v2/signatures-v2/ */
export const timestamps = requirements('time', AGE, [
  {
    name: 'offset',
    says: 'A timestamp with an offset, as Box sends it, is accepted.',
    mend: READ,
    expect: 'accepted',
    requests: kit =>
      [-420, 330, 0].map(minutes => kit.genuine({ timestamp: boxTimestamp(kit.now(), minutes) })),
  },
  {
    name: 'utc',
    says: 'A timestamp in UTC is accepted, with and without fractions of a second.',
    mend: READ,
    expect: 'accepted',
    requests: kit => {
      const now = new Date(kit.now()).toISOString()
      return [now, now.replace(/\.\d+/, ''), now.replace('Z', '123456Z')].map(timestamp =>
        kit.genuine({ timestamp }),
      )
    },
  },
  {
    name: 'lower-case',
    level: 'should',
    says: 'A timestamp with t and z in lower case is accepted, as RFC 3339 allows.',
    mend: READ,
    expect: 'accepted',
    requests: kit => [kit.genuine({ timestamp: new Date(kit.now()).toISOString().toLowerCase() })],
  },
  {
    name: 'nine-minutes',
    says: 'A delivery that was signed nine minutes ago is accepted: it may have been held up.',
    expect: 'accepted',
    requests: kit => [kit.genuine({ timestamp: boxTimestamp(kit.now() - 9 * MINUTE) })],
  },
  {
    name: 'eleven-minutes',
    says: 'A delivery that was signed eleven minutes ago is refused: it may be a replay.',
    expect: 'refused',
    requests: kit => [kit.genuine({ timestamp: boxTimestamp(kit.now() - 11 * MINUTE) })],
  },
  {
    name: 'a-day',
    says: 'A delivery that was signed a day or a year ago is refused.',
    expect: 'refused',
    requests: kit =>
      [1, 365].map(days => kit.genuine({ timestamp: boxTimestamp(kit.now() - days * 1440 * MINUTE) })),
  },
  {
    name: 'eleven-minutes-elsewhere',
    says: 'The offset counts: eleven minutes ago is refused in every time zone.',
    mend: READ,
    expect: 'refused',
    requests: kit =>
      [-720, 330, 840].map(minutes =>
        kit.genuine({ timestamp: boxTimestamp(kit.now() - 11 * MINUTE, minutes) }),
      ),
  },
  {
    name: 'slightly-ahead',
    level: 'should',
    says: 'A delivery whose clock is twenty seconds ahead is accepted.',
    expect: 'accepted',
    requests: kit => [kit.genuine({ timestamp: boxTimestamp(kit.now() + 20_000) })],
  },
  {
    name: 'far-ahead',
    level: 'should',
    says: 'A delivery from the future, by an hour or a day, is refused.',
    expect: 'refused',
    requests: kit =>
      [60, 1440].map(minutes => kit.genuine({ timestamp: boxTimestamp(kit.now() + minutes * MINUTE) })),
  },
  {
    name: 'missing',
    says: 'A delivery without a timestamp is refused, also where the signature is right for that.',
    expect: 'refused',
    requests: kit => [
      withHeaders(kit.genuine(), { [TIMESTAMP]: undefined }),
      withHeaders(kit.genuine({ timestamp: '' }), { [TIMESTAMP]: undefined }),
    ],
  },
  {
    name: 'unreadable',
    says: 'A signed timestamp that is no time is refused.',
    mend: READ,
    expect: 'refused',
    requests: kit => ['now', 'NaN', '[object Object]', '-1'].map(timestamp => kit.genuine({ timestamp })),
  },
  {
    name: 'epoch',
    level: 'should',
    says: 'Seconds or milliseconds since 1970 are refused: Box does not send them.',
    mend: READ,
    expect: 'refused',
    requests: kit => [
      kit.genuine({ timestamp: String(Math.floor(kit.now() / 1000)) }),
      kit.genuine({ timestamp: String(kit.now()) }),
    ],
  },
  {
    name: 'no-offset',
    level: 'should',
    says: 'A time without an offset is refused: nobody knows when that is.',
    mend: READ,
    expect: 'refused',
    requests: kit => [kit.genuine({ timestamp: new Date(kit.now()).toISOString().slice(0, 19) })],
  },
  {
    name: 'impossible',
    level: 'should',
    says: 'A day that does not exist is refused.',
    mend: READ,
    expect: 'refused',
    requests: kit => {
      const year = new Date(kit.now()).getUTCFullYear()
      return [`${year}-02-30T10:00:00Z`, `${year}-13-01T10:00:00Z`].map(timestamp =>
        kit.genuine({ timestamp }),
      )
    },
  },
])
