import { randomUUID } from 'node:crypto'
import { TRIGGERS } from '../../lib/event/event.ts'
import type { GenuineOptions, Kit } from '../delivery.ts'
import { BYTES, requirements, SOURCES } from '../requirement.ts'

/** A small event of its own, as JSON text. */
const event = (more = ''): string =>
  `{"type":"webhook_event","id":"${randomUUID()}","trigger":"FILE.DOWNLOADED","webhook":{"id":"53","type":"webhook"},"source":{"id":"1","type":"file"}${more}}`

const one = (options: () => GenuineOptions) => (kit: Kit) => [kit.genuine(options())]
const AGAIN =
  'Box takes every answer but 2xx for a failure, and sends the same event again for about two hours.'
/** For what is genuine but new. */
const LATER = {
  source: SOURCES.deliveries,
  means: AGAIN,
  mend: 'Take what is validly signed first, and decide later what it is: a new trigger or field must not make Box deliver again.',
} as const
/** For what is genuine but of no use. */
const NOT_5XX = {
  source: SOURCES.deliveries,
  means: `The receiver fails. ${AGAIN}`,
  mend: 'What is validly signed but can’t be used won’t get better by another delivery: take it and keep it aside, or refuse it with 4xx, but never fail with 5xx.',
} as const
const SIZE = {
  source: SOURCES.deliveries,
  means: 'Large deliveries are lost. Box’s guide names no limit; most of them have a few kilobytes.',
  mend: 'Raise the limit of the server or framework for the body’s size.',
} as const

const ofSize = (bytes: number) => one(() => ({ body: event(`,"filler":"${'x'.repeat(bytes)}"`) }))

export const bodies = requirements('body', { source: SOURCES.json, ...BYTES }, [
  {
    name: 'escaped',
    says: 'A body in the form that Box writes, with \\uXXXX and \\/, is accepted.',
    source: SOURCES.signatures,
    expect: 'accepted',
    requests: one(() => ({ overrides: { source: { name: 'Verträge/日本 \u{1f4c4}.pdf' } } })),
  },
  {
    name: 'raw-unicode',
    says: 'A body with unescaped characters of any language is accepted.',
    expect: 'accepted',
    requests: one(() => ({ body: event(',"name":"Größe 日本 \u{1f4c4} \u2028"') })),
  },
  {
    name: 'white-space',
    says: 'A body with line ends, tabs and spaces is accepted, and verified with them.',
    expect: 'accepted',
    requests: kit =>
      ['\r\n', '\n\t', '   '].map(space => kit.genuine({ body: event().replaceAll(',', `,${space}`) })),
  },
  {
    name: 'key-order',
    says: 'A body whose fields stand in another order is accepted.',
    expect: 'accepted',
    requests: one(() => ({
      body: `{"source":{"type":"file","id":"1"},"webhook":{"type":"webhook","id":"53"},"trigger":"FILE.DOWNLOADED","id":"${randomUUID()}","type":"webhook_event"}`,
    })),
  },
  {
    name: 'numbers',
    says: 'Numbers that JavaScript would write otherwise are accepted.',
    expect: 'accepted',
    requests: one(() => ({ body: event(',"size":1.0,"big":12345678901234567890,"small":1E-7') })),
  },
  {
    name: 'nul',
    says: 'An escaped NUL and other control characters in a name are accepted.',
    expect: 'accepted',
    requests: one(() => ({ body: event(',"name":"a\\u0000b\\u001f\\ud800"') })),
  },
  {
    name: 'prototype',
    says: 'Fields named __proto__ and constructor are accepted, and do no harm.',
    means: 'A body can change how the receiver treats all others.',
    mend: 'Parse with what keeps such names as plain data, and never copy fields into objects by their names.',
    expect: 'accepted',
    requests: kit => [
      kit.genuine({ body: event(',"__proto__":{"polluted":true},"constructor":{"prototype":{}}') }),
      kit.genuine(),
    ],
  },
  {
    name: 'unknown-field',
    says: 'Fields that Box has added since are accepted.',
    ...LATER,
    expect: 'accepted',
    requests: one(() => ({ body: event(',"new_field":{"deep":[1,2,3]}') })),
  },
  {
    name: 'unknown-trigger',
    says: 'A trigger that Box has added since is accepted.',
    ...LATER,
    expect: 'accepted',
    requests: one(() => ({ trigger: 'FILE.ENCHANTED' })),
  },
  {
    name: 'every-trigger',
    says: 'Every trigger that Box lists is accepted, with its own kind of source.',
    ...LATER,
    source: SOURCES.triggers,
    expect: 'accepted',
    requests: kit => Object.keys(TRIGGERS).map(trigger => kit.genuine({ trigger })),
  },
  {
    name: 'no-active-session',
    says: 'NO_ACTIVE_SESSION, which has no id and no full payload, is accepted.',
    ...LATER,
    source: SOURCES.limitations,
    expect: 'accepted',
    requests: one(() => ({ trigger: 'NO_ACTIVE_SESSION' })),
  },
  {
    name: 'webhook-deleted',
    says: 'WEBHOOK.DELETED, which Box sends unasked, is accepted.',
    ...LATER,
    source: SOURCES.deletion,
    expect: 'accepted',
    requests: one(() => ({ trigger: 'WEBHOOK.DELETED' })),
  },
  {
    name: 'additional-info',
    says: 'additional_info as an empty list and as an object are both accepted.',
    ...LATER,
    expect: 'accepted',
    requests: kit =>
      ['[]', '{"before":{"id":"1"}}'].map(info => kit.genuine({ body: event(`,"additional_info":${info}`) })),
  },
  {
    name: 'no-source',
    level: 'should',
    says: 'A signed event without a source does not make the receiver fail.',
    ...NOT_5XX,
    expect: 'handled',
    requests: kit =>
      ['null', '[]', '"x"'].map(source =>
        kit.genuine({ body: `{"id":"${randomUUID()}","trigger":"FILE.DOWNLOADED","source":${source}}` }),
      ),
  },
  {
    name: 'bare',
    level: 'should',
    says: 'An event with no more than its type, id and trigger is accepted.',
    ...LATER,
    expect: 'accepted',
    requests: one(() => ({
      body: `{"type":"webhook_event","id":"${randomUUID()}","trigger":"FILE.DOWNLOADED"}`,
    })),
  },
  {
    name: 'not-json',
    says: 'A signed body that is no JSON does not make the receiver fail.',
    ...NOT_5XX,
    expect: 'handled',
    requests: kit => ['hello', '{"id":', '<xml/>'].map(body => kit.genuine({ body })),
  },
  {
    name: 'not-json-taken',
    level: 'should',
    says: 'A signed body that is no JSON is accepted, since it will be the same when it comes again.',
    source: SOURCES.deliveries,
    means: AGAIN,
    mend: NOT_5XX.mend,
    expect: 'accepted',
    requests: kit => ['hello', '{"id":'].map(body => kit.genuine({ body })),
  },
  {
    name: 'no-object',
    says: 'A signed body that is JSON but no object does not make the receiver fail.',
    ...NOT_5XX,
    expect: 'handled',
    requests: kit => ['[]', 'null', '7', '"text"', 'true'].map(body => kit.genuine({ body })),
  },
  {
    name: 'not-utf8',
    says: 'A signed body that is no UTF-8 does not make the receiver fail.',
    ...NOT_5XX,
    expect: 'handled',
    requests: one(() => ({ body: Uint8Array.from([0xff, 0xfe, 0x00, 0x7b, 0xc3, 0x28]) })),
  },
  {
    name: 'stray-byte',
    level: 'should',
    says: 'An event with a byte in a name that is no UTF-8 is accepted: it is signed over its bytes.',
    means: 'Bodies are decoded before they are verified; in a Lambda, isBase64Encoded is not heeded.',
    expect: 'accepted',
    requests: one(() => ({ body: Buffer.from(event(',"name":"caf\xe9"'), 'latin1') })),
  },
  {
    name: 'byte-order-mark',
    level: 'should',
    says: 'A signed body with a byte order mark does not make the receiver fail.',
    ...NOT_5XX,
    expect: 'handled',
    requests: one(() => ({ body: `\ufeff${event()}` })),
  },
  {
    name: 'deep',
    says: 'A signed body that is nested a hundred thousand times does not make the receiver fail.',
    ...NOT_5XX,
    expect: 'handled',
    requests: one(() => ({ body: event(`,"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}`) })),
  },
  {
    name: 'empty',
    says: 'An empty body is refused, signed or not.',
    source: SOURCES.deliveries,
    means: 'A request that tells of nothing passes for a delivery, or makes the receiver fail.',
    mend: 'Refuse an empty body with 400.',
    expect: 'refused',
    requests: kit => [kit.genuine({ body: '' }), { ...kit.genuine(), body: new Uint8Array() }],
  },
  {
    name: 'size-16k',
    says: 'A body of 16 KB is accepted.',
    ...SIZE,
    expect: 'accepted',
    requests: ofSize(16_384),
  },
  {
    name: 'size-256k',
    says: 'A body of 256 KB is accepted.',
    ...SIZE,
    expect: 'accepted',
    requests: ofSize(262_144),
  },
  {
    name: 'size-1m',
    level: 'should',
    says: 'A body of almost 1 MB is accepted.',
    ...SIZE,
    expect: 'accepted',
    requests: ofSize(1_000_000),
  },
  {
    name: 'size-5m-forged',
    says: 'A forged body of 5 MB is refused, and does not make the receiver fail.',
    source: SOURCES.http,
    means: 'Anybody can fill the receiver’s memory, or make it fail.',
    mend: 'Bound what is read, and refuse with 413 beyond it.',
    expect: 'refused',
    requests: kit => [
      kit.genuine({ body: event(`,"filler":"${'x'.repeat(5_000_000)}"`), keys: { primary: 'forged' } }),
    ],
  },
])
