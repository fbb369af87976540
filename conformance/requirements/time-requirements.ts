import { boxTimestamp, type Delivery, headerOf, type Kit, TIMESTAMP, withHeaders } from '../delivery.ts'
import { requirements, SOURCES } from '../requirement.ts'

const MINUTE = 60_000
const DAY = 1440 * MINUTE
const READ_IT =
  'Read the timestamp as RFC 3339, with any offset, in either case and with fractions of a second.'
/** For timestamps that a receiver should read. */
const READ = {
  source: SOURCES.dateTime,
  means: 'Genuine deliveries are refused, now or as soon as Box writes its timestamps a little differently.',
  mend: READ_IT,
} as const
/** For timestamps that a receiver should not take for one. */
const NO_TIME = {
  source: SOURCES.dateTime,
  means: 'A time that can’t be read is neither too old nor too new, so the age is never judged.',
  mend: `${READ_IT} Refuse what is none.`,
} as const
const AGE = {
  source: SOURCES.signatures,
  means: 'Whoever captures a delivery can send it again for ever.',
  mend: 'Refuse deliveries whose signed timestamp lies more than ten minutes back, and allow for clocks that differ a little.',
} as const
const BORDER =
  'Body and timestamp are signed as one text without a border. Whoever captures a delivery can move it, and the signature still fits.'

export const timestamps = requirements('time', AGE, [
  {
    name: 'offset',
    says: 'A timestamp with an offset, as Box sends it, is accepted.',
    ...READ,
    expect: 'accepted',
    requests: kit =>
      [-420, 330, 0].map(minutes => kit.genuine({ timestamp: boxTimestamp(kit.now(), minutes) })),
  },
  {
    name: 'utc',
    says: 'A timestamp in UTC is accepted, with and without fractions of a second.',
    ...READ,
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
    ...READ,
    expect: 'accepted',
    requests: kit => [kit.genuine({ timestamp: new Date(kit.now()).toISOString().toLowerCase() })],
  },
  {
    name: 'nine-minutes',
    says: 'A delivery that was signed nine minutes ago is accepted: it may have been held up.',
    means: 'What was held up on its way is lost.',
    expect: 'accepted',
    requests: kit => [
      kit.genuine({ timestamp: boxTimestamp(kit.now() - Math.max(0, kit.ageMaxMs - MINUTE)) }),
    ],
  },
  {
    name: 'eleven-minutes',
    says: 'A delivery that was signed eleven minutes ago is refused: it may be a replay.',
    expect: 'refused',
    requests: kit => [kit.genuine({ timestamp: boxTimestamp(kit.now() - kit.ageMaxMs - MINUTE) })],
  },
  {
    name: 'a-day',
    says: 'A delivery that was signed a day or a year ago is refused.',
    expect: 'refused',
    requests: kit =>
      [1, 365].map(days => kit.genuine({ timestamp: boxTimestamp(kit.now() - days * DAY - kit.ageMaxMs) })),
  },
  {
    name: 'eleven-minutes-elsewhere',
    says: 'The offset counts: eleven minutes ago is refused in every time zone.',
    mend: READ_IT,
    expect: 'refused',
    requests: kit =>
      [-720, 330, 840].map(minutes =>
        kit.genuine({ timestamp: boxTimestamp(kit.now() - kit.ageMaxMs - MINUTE, minutes) }),
      ),
  },
  {
    name: 'slightly-ahead',
    level: 'should',
    says: 'A delivery whose clock is twenty seconds ahead is accepted.',
    means: 'As soon as the receiver’s own clock is a little late, it refuses everything.',
    expect: 'accepted',
    requests: kit => [kit.genuine({ timestamp: boxTimestamp(kit.now() + Math.min(20_000, kit.skewMaxMs)) })],
  },
  {
    name: 'far-ahead',
    level: 'should',
    says: 'A delivery from the future, by an hour or a day, is refused.',
    means: 'What was dated ahead by mistake can be sent again until that time has come and gone.',
    expect: 'refused',
    requests: kit =>
      [60, 1440].map(minutes =>
        kit.genuine({ timestamp: boxTimestamp(kit.now() + kit.skewMaxMs + minutes * MINUTE) }),
      ),
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
    ...NO_TIME,
    expect: 'refused',
    requests: kit => ['now', 'NaN', '[object Object]', '-1'].map(timestamp => kit.genuine({ timestamp })),
  },
  {
    name: 'epoch',
    level: 'should',
    says: 'Seconds or milliseconds since 1970 are refused: Box does not send them.',
    ...NO_TIME,
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
    ...NO_TIME,
    expect: 'refused',
    requests: kit => [kit.genuine({ timestamp: new Date(kit.now()).toISOString().slice(0, 19) })],
  },
  {
    name: 'impossible',
    level: 'should',
    says: 'A day that does not exist is refused.',
    ...NO_TIME,
    expect: 'refused',
    requests: kit => {
      const year = new Date(kit.now()).getUTCFullYear()
      return [`${year}-02-30T10:00:00Z`, `${year}-13-01T10:00:00Z`].map(timestamp =>
        kit.genuine({ timestamp }),
      )
    },
  },
  {
    name: 'second-timestamp',
    says: 'A day-old delivery is refused also where a fresh timestamp stands beside the signed one.',
    mend: 'Read the header once, and use that one value both for the signature and for the age.',
    expect: 'refused',
    requests: kit => {
      const old = captured(kit)
      const fresh = [TIMESTAMP, boxTimestamp(kit.now())] as const
      return [
        { ...old, headers: [...old.headers, fresh] },
        { ...old, headers: [fresh, ...old.headers] },
      ]
    },
  },
  {
    name: 'border-moved-in',
    says: 'A day-old delivery whose timestamp was moved from its header to the end of its body is refused.',
    means: `${BORDER} A receiver that takes a delivery without a time takes it for ever.`,
    mend: NO_TIME.mend,
    expect: 'refused',
    requests: kit => {
      const old = captured(kit)
      const body = Buffer.concat([old.body, Buffer.from(headerOf(old, TIMESTAMP))])
      return [undefined, ''].map(header => withHeaders({ ...old, body }, { [TIMESTAMP]: header }))
    },
  },
  {
    name: 'border-moved-out',
    says: 'A day-old delivery whose body has lost its last character to its timestamp is refused.',
    means: `${BORDER} A receiver that takes what is no time takes it for ever.`,
    mend: NO_TIME.mend,
    expect: 'refused',
    requests: kit => {
      const old = captured(kit)
      const moved = `${Buffer.from(old.body).toString().slice(-1)}${headerOf(old, TIMESTAMP)}`
      return [withHeaders({ ...old, body: old.body.subarray(0, -1) }, { [TIMESTAMP]: moved })]
    },
  },
  {
    name: 'known-event',
    says: 'An event that was accepted is refused when it comes again under a day-old timestamp.',
    means: 'A known event is answered before it is verified, which tells strangers what you have.',
    mend: 'Verify signature and age first, also of events that you know.',
    expect: 'refused',
    requests: kit => {
      const known = kit.genuine()
      return [{ ...known, expect: 'accepted' }, captured(kit, known.body)]
    },
  },
])

/** What somebody has who listened to a genuine delivery a day ago. */
function captured(kit: Kit, body?: Uint8Array): Delivery {
  const timestamp = boxTimestamp(kit.now() - kit.ageMaxMs - DAY)
  return kit.genuine({ timestamp, ...(body ? { body } : {}) })
}
