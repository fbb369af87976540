import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLog } from '../../../lib/log/log.ts'
import { privateTexts } from '../../../lib/log/private-texts.ts'
import { redact, redactText } from '../../../lib/log/redaction.ts'
import { samplePayload, wireBody } from '../../../local/box/events/payload.ts'
import { anyCharacter } from '../../support/any-character.ts'
import { runs } from '../../support/seed.ts'

const MARKS = /\[(name|email|token|link)\]/g
const withoutMarks = (text: string): string => text.replace(MARKS, '\n')

const letter = (alphabet: string) => fc.constantFrom(...alphabet)
const ALNUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const opaque = (min: number, max: number) =>
  fc.array(letter(ALNUM), { minLength: min, maxLength: max }).map(list => `aB1${list.join('')}`)

const bearer = opaque(16, 60).map(token => ({ text: `Authorization: Bearer ${token}`, hidden: token }))
const assigned = fc
  .tuple(fc.constantFrom('access_token=', '"client_secret":"', 'refresh_token: ', 'password='), opaque(4, 40))
  .map(([name, secret]) => ({ text: `${name}${secret}`, hidden: secret }))
const jwt = fc
  .tuple(opaque(10, 40), opaque(10, 40), opaque(10, 40))
  .map(([head, body, sign]) => `eyJ${head}.eyJ${body}.${sign}`)
  .map(token => ({ text: token, hidden: token }))
const bare = opaque(29, 60).map(token => ({ text: token, hidden: token }))
const link = fc
  .tuple(
    fc.constantFrom(
      'https://app.box.com/s/',
      'https://acme.box.com/v/',
      'app.box.com/s/',
      'https://dl.boxcloud.com/d/1/',
    ),
    opaque(8, 32),
  )
  .map(([where, id]) => ({ text: `${where}${id}`, hidden: id }))
const url = fc
  .webUrl({ withQueryParameters: true, withFragments: true })
  .map(text => ({ text, hidden: text }))
const email = fc.emailAddress().map(text => ({ text, hidden: text }))
const secret = fc.oneof(bearer, assigned, jwt, bare, link, url, email)

const around = fc.constantFrom(' ', ': ', ' (', '"', ', ', ' = ', '\n', '')
const words = fc.constantFrom('', 'the call failed', 'Box answered 404', 'siehe', '保存')

const name = fc
  .oneof(
    fc.string({ minLength: 3, maxLength: 40 }),
    fc.string({ unit: 'grapheme', minLength: 3, maxLength: 40 }),
    fc.constantFrom(
      'Q3 offer (final).pdf',
      'Müller & Söhne.docx',
      '契約書.pdf',
      '王伟',
      'a+b=c?.txt',
      'C:\\x "y".doc',
    ),
  )
  .map(text => text.trim())
  .filter(text => text.length >= 3 && !/[[\]]/.test(text) && /[\p{L}\p{N}]/u.test(text))

describe('what a log hides', () => {
  test('e-mail addresses, links, bearer tokens, JWTs, secrets with a name, and what looks random', () => {
    fc.assert(
      fc.property(secret, words, around, words, ({ text, hidden }, before, gap, after) => {
        const told = withoutMarks(
          redactText(`${before}${before && ' '}${text}${gap === '' ? ' ' : ` ${gap}`}${after}`),
        )
        expect(told).not.toContain(hidden)
      }),
      runs(500),
    )
  })

  test('a name that is known, wherever it stands as a word, in any case and in the encodings that it travels in', () => {
    const encodings: readonly ((text: string) => string)[] = [
      text => text,
      text => text.toUpperCase(),
      text => text.normalize('NFD'),
      text => encodeURIComponent(text.toWellFormed()),
      text => JSON.stringify(text.toWellFormed()).slice(1, -1),
      text => new URLSearchParams([['q', text.toWellFormed()]]).toString().slice(2),
    ]
    fc.assert(
      fc.property(
        name,
        fc.constantFrom(...encodings.slice(0, 1), ...encodings.slice(2, 5)),
        words,
        words,
        (known, write, before, after) => {
          // A part of another word is no name.
          fc.pre(!`${before} ${after}`.includes(write(known)))
          const told = redactText(`${before} ${write(known)} ${after}`, [known])
          expect(withoutMarks(told)).not.toContain(write(known))
        },
      ),
      runs(500),
    )
    for (const write of encodings)
      expect(redactText(`made ${write('Q3 Müller offer.pdf')} public`, ['Q3 Müller offer.pdf'])).toBe(
        'made [name] public',
      )
  })

  test('redacting twice is redacting once, and never throws', () => {
    const any = fc.oneof(fc.string({ unit: anyCharacter, maxLength: 300 }), fc.string({ maxLength: 300 }))
    const mixed = fc
      .array(
        fc.oneof(
          any,
          secret.map(({ text }) => text),
          name,
          fc.constantFrom('[name]', '[token]', '[email'),
        ),
        {
          maxLength: 6,
        },
      )
      .map(parts => parts.join(' '))
    fc.assert(
      fc.property(mixed, fc.array(fc.oneof(any, name), { maxLength: 5 }), (text, known) => {
        const once = redactText(text, known)
        expect(redactText(once, known)).toBe(once)
      }),
      runs(500),
    )
  })

  test('is done with a long text in no time, and cuts it without showing half a name', () => {
    const known = ['Q3 offer.pdf']
    for (const filler of ['a', 'a@', 'aB1', '%', '"', 'eyJ.', 'https:/', 'token=', ' ']) {
      const told = redactText(filler.repeat(1_000_000), known)
      expect(told.length).toBeLessThanOrEqual(8193)
    }
    for (let offset = 8170; offset < 8200; offset += 1)
      expect(
        redactText(
          `${'x '.repeat(offset / 2)}${offset % 2 ? 'y ' : ''}Q3 offer.pdf and more ${'z'.repeat(9000)}`,
          known,
        ),
      ).not.toMatch(/Q3|offer/)
  })

  test.each([
    'Box answered 404 not_found to GET /2.0/files/73835521473. The item is gone, or the app’s service account cannot see it.',
    'Box answered 409 item_name_in_use to POST /2.0/files/12/copy. Box’s request id is 0b3d4e2af5c19cc21ab62c7ef3f3da.',
    'f96bb54b-ee16-4fc5-aa65-8c2d9e5b546f',
    'sha256-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'User: arn:aws:sts::123456789012:assumed-role/boxhooks-prod-AutomateRole-1ABCDEFGHIJKL/boxhooks-prod-automate is not authorized to perform: sqs:SendMessage',
    '/2.0/files/123456/metadata/enterprise_27335/contractTemplate',
    'at run (file:///var/task/dist/automate/index.mjs:12:3456)',
    'METADATA_INSTANCE.CREATED DOCGEN_DOCUMENT_GENERATION_SUCCEEDED',
    'remove-shared-link-after-download',
    'The conditional request failed: 2026-11-23T10:00:00.000Z',
  ])('keeps ids, codes and what the engine says: %s', text => {
    expect(redactText(text, ['Q3 offer.pdf', 'ab', ''])).toBe(text)
  })

  test('leaves out the names that an event’s own payload has, and what somebody wrote, but no id', () => {
    const event = samplePayload('FILE.DOWNLOADED', {
      source: { name: 'Kündigung Müller.docx', description: 'Not for everyone' },
      createdBy: { type: 'user', id: '33', name: 'Ada Lovelace', login: 'ada@example.com' },
    })
    const texts = privateTexts(wireBody(event))
    for (const known of ['Kündigung Müller.docx', 'Not for everyone', 'Ada Lovelace', 'ada@example.com'])
      expect(texts).toContain(known)
    for (const word of ['FILE.DOWNLOADED', 'file', 'All Files', String(event.id), '33', 'active'])
      expect(texts).not.toContain(word)
  })

  test('of any payload a bounded number of texts', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), json => {
        const texts = privateTexts(Buffer.from(json))
        expect(texts.length).toBeLessThanOrEqual(200)
      }),
    )
    const names = Array.from({ length: 1000 }, (_, index) => ({ name: `Name ${index}`, id: `${index}` }))
    expect(privateTexts(Buffer.from(JSON.stringify({ names })))).toHaveLength(200)
  })
})

describe('a log line', () => {
  const lineOf = (event: string, fields: Record<string, string>) => {
    const lines: string[] = []
    createLog({ now: () => 0, write: line => lines.push(line), redaction: redact })
      .with({ eventId: 'e@1', automation: 'mine' })
      .hiding(() => ['mine', 'offer.pdf'])
      .warn(event, fields)
    return JSON.parse(lines[0] ?? '{}')
  }

  test('keeps its event’s id, and the engine’s own codes, whatever a file is called', () => {
    expect(lineOf('run_failed', { code: 'mine', message: 'mine is offer.pdf' })).toMatchObject({
      eventId: 'e@1',
      automation: 'mine',
      code: 'mine',
      message: '[name] is [name]',
    })
  })

  test('of an automation tells no field as it is', () => {
    expect(
      lineOf('automation_log', { code: 'offer.pdf', kind: 'jane@example.com', 'offer.pdf': 'x' }),
    ).toMatchObject({
      eventId: 'e@1',
      code: '[name]',
      kind: '[email]',
      '[name]': 'x',
    })
  })
})
