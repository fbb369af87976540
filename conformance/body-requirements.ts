import { randomUUID } from 'node:crypto'
import type { GenuineOptions, Kit } from './delivery.ts'
import { MEND, requirements } from './requirement.ts'

/** A small event of its own, as JSON text. */
const event = (more = ''): string =>
  `{"type":"webhook_event","id":"${randomUUID()}","trigger":"FILE.DOWNLOADED","webhook":{"id":"53","type":"webhook"},"source":{"id":"1","type":"file"}${more}}`

const one = (options: () => GenuineOptions) => (kit: Kit) => [kit.genuine(options())]
const LATER =
  'Take what is validly signed first, and decide later what it is: a new trigger or field must not make Box deliver again.'
const NOT_5XX =
  'What is validly signed but can’t be used won’t get better by another delivery: take it and keep it aside, or refuse it with 4xx, but never fail with 5xx.'
const SIZE = 'Raise the limit of the server or framework for the body’s size.'

const ofSize = (bytes: number) => one(() => ({ body: event(`,"filler":"${'x'.repeat(bytes)}"`) }))

/** @see https://developer.box.com/guides/webhooks/v2/ */
export const bodies = requirements('body', MEND.bytes, [
  {
    name: 'escaped',
    says: 'A body in the form that Box writes, with \\uXXXX and \\/, is accepted.',
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
    expect: 'accepted',
    requests: kit => [
      kit.genuine({ body: event(',"__proto__":{"polluted":true},"constructor":{"prototype":{}}') }),
      kit.genuine(),
    ],
  },
  {
    name: 'unknown-field',
    says: 'Fields that Box has added since are accepted.',
    mend: LATER,
    expect: 'accepted',
    requests: one(() => ({ body: event(',"new_field":{"deep":[1,2,3]}') })),
  },
  {
    name: 'unknown-trigger',
    says: 'A trigger that Box has added since is accepted.',
    mend: LATER,
    expect: 'accepted',
    requests: one(() => ({ trigger: 'FILE.ENCHANTED' })),
  },
  {
    name: 'every-kind',
    says: 'Events of comments, collaborations, metadata, tasks, sign requests and folders are accepted.',
    mend: LATER,
    expect: 'accepted',
    requests: kit =>
      [
        'COMMENT.CREATED',
        'COLLABORATION.CREATED',
        'METADATA_INSTANCE.CREATED',
        'TASK_ASSIGNMENT.CREATED',
        'SIGN_REQUEST.COMPLETED',
        'FOLDER.MOVED',
        'SHARED_LINK.DELETED',
      ].map(trigger => kit.genuine({ trigger })),
  },
  {
    name: 'no-active-session',
    says: 'NO_ACTIVE_SESSION, which has no id and no full payload, is accepted.',
    mend: LATER,
    expect: 'accepted',
    requests: one(() => ({ trigger: 'NO_ACTIVE_SESSION' })),
  },
  {
    name: 'webhook-deleted',
    says: 'WEBHOOK.DELETED, which Box sends unasked, is accepted.',
    mend: LATER,
    expect: 'accepted',
    requests: one(() => ({ trigger: 'WEBHOOK.DELETED' })),
  },
  {
    name: 'additional-info',
    says: 'additional_info as an empty list and as an object are both accepted.',
    mend: LATER,
    expect: 'accepted',
    requests: kit =>
      ['[]', '{"before":{"id":"1"}}'].map(info => kit.genuine({ body: event(`,"additional_info":${info}`) })),
  },
  {
    name: 'no-source',
    level: 'should',
    says: 'A signed event without a source does not make the receiver fail.',
    mend: NOT_5XX,
    expect: 'handled',
    requests: kit =>
      ['null', '[]', '"x"'].map(source =>
        kit.genuine({ body: `{"id":"${randomUUID()}","trigger":"FILE.DOWNLOADED","source":${source}}` }),
      ),
  },
  {
    name: 'not-json',
    says: 'A signed body that is no JSON does not make the receiver fail.',
    mend: NOT_5XX,
    expect: 'handled',
    requests: kit => ['hello', '{"id":', '<xml/>'].map(body => kit.genuine({ body })),
  },
  {
    name: 'no-object',
    says: 'A signed body that is JSON but no object does not make the receiver fail.',
    mend: NOT_5XX,
    expect: 'handled',
    requests: kit => ['[]', 'null', '7', '"text"', 'true'].map(body => kit.genuine({ body })),
  },
  {
    name: 'not-utf8',
    says: 'A signed body that is no UTF-8 does not make the receiver fail.',
    mend: NOT_5XX,
    expect: 'handled',
    requests: one(() => ({ body: Uint8Array.from([0xff, 0xfe, 0x00, 0x7b, 0xc3, 0x28]) })),
  },
  {
    name: 'byte-order-mark',
    level: 'should',
    says: 'A signed body with a byte order mark does not make the receiver fail.',
    mend: NOT_5XX,
    expect: 'handled',
    requests: one(() => ({ body: `\ufeff${event()}` })),
  },
  {
    name: 'deep',
    says: 'A signed body that is nested a hundred thousand times does not make the receiver fail.',
    mend: NOT_5XX,
    expect: 'handled',
    requests: one(() => ({ body: event(`,"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}`) })),
  },
  {
    name: 'empty',
    says: 'An empty body is refused, signed or not.',
    expect: 'refused',
    requests: kit => [kit.genuine({ body: '' }), { ...kit.genuine(), body: new Uint8Array() }],
  },
  {
    name: 'size-16k',
    says: 'A body of 16 KB is accepted.',
    mend: SIZE,
    expect: 'accepted',
    requests: ofSize(16_384),
  },
  {
    name: 'size-256k',
    says: 'A body of 256 KB is accepted.',
    mend: SIZE,
    expect: 'accepted',
    requests: ofSize(262_144),
  },
  {
    name: 'size-1m',
    level: 'should',
    says: 'A body of almost 1 MB is accepted.',
    mend: SIZE,
    expect: 'accepted',
    requests: ofSize(1_000_000),
  },
  {
    name: 'size-5m-forged',
    says: 'A forged body of 5 MB is refused, and does not make the receiver fail.',
    mend: 'Bound what is read, and refuse with 413 beyond it.',
    expect: 'refused',
    requests: kit => [
      kit.genuine({ body: event(`,"filler":"${'x'.repeat(5_000_000)}"`), keys: { primary: 'forged' } }),
    ],
  },
])
