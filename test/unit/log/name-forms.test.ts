import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { privateTexts } from '../../../lib/log/private-texts.ts'
import { redactText } from '../../../lib/log/redaction.ts'
import { samplePayload, wireBody } from '../../../local/box/events/payload.ts'

const TEXTS = privateTexts(
  wireBody(
    samplePayload('FILE.DOWNLOADED', {
      source: { name: 'Offer for Ada Lovelace, final.pdf' },
      createdBy: { type: 'user', id: '33', name: 'Grace Brewster Hopper', login: 'g.hopper@example.com' },
    }),
  ),
)

describe('a log hides the name of a file or a person', () => {
  test.each([
    ['as it is', 'Offer for Ada Lovelace, final.pdf'],
    ['with underscores', 'Offer_for_Ada_Lovelace_final.pdf'],
    ['as a slug', 'offer-for-ada-lovelace-final'],
    ['with no-break spaces', 'Offer\u00a0for\u00a0Ada\u00a0Lovelace,\u00a0final.pdf'],
    ['in a URL', 'Offer%20for%20Ada%20Lovelace%2C%20final.pdf'],
    ['in a form', 'Offer+for+Ada+Lovelace%2C+final.pdf'],
    ['in JSON, with a no-break space', 'Offer\\u00a0for Ada Lovelace, final.pdf'],
    ['without its ending', 'OFFER FOR ADA LOVELACE, FINAL'],
    ['with another ending', 'Offer for Ada Lovelace, final.docx'],
    ['within another name', '2026_Offer_for_Ada_Lovelace_final_v2.pdf'],
    ['after an escape', '%2FOffer%20for%20Ada%20Lovelace%2C%20final.pdf'],
    ['after a line’s end in JSON', '\\nGrace Brewster Hopper'],
    ['of a person', 'grace brewster hopper'],
    ['of a person, surname first', 'Hopper, Grace Brewster'],
    ['of a person, by the surname', 'the file of Hopper'],
    ['of a person, by the login', 'g.hopper'],
    ['of a person, by the login in a file’s name', 'upload_g_hopper.txt'],
  ])('written %s', (_, written) => {
    expect(redactText(`made ${written} public`, TEXTS)).not.toMatch(/offer|lovelace|grace|hopper/i)
  })

  test('however its words are parted, in any case', () => {
    const word = fc.stringMatching(/^[a-zäöü]{2,8}$/)
    const between = fc.constantFrom(' ', '_', '-', '.', ', ', '  ', '\u00a0', '+', '%20', '\\u00a0')
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 2, maxLength: 5 }),
        between,
        between,
        fc.boolean(),
        (words, known, written, loud) => {
          fc.pre(!known.includes('%') && !known.includes('\\'))
          const text = words.join(written)
          const told = redactText(`made ${loud ? text.toUpperCase() : text}, as it was`, [words.join(known)])
          expect(told).toBe('made [name], as it was')
        },
      ),
      { seed: 16, numRuns: 500 },
    )
  })

  test('however deep in the payload it stands', () => {
    const nested = Array.from({ length: 40 }).reduce<object>(inner => ({ inner }), { name: 'Ada Lovelace' })
    expect(privateTexts(Buffer.from(JSON.stringify(nested)))).toContain('Ada Lovelace')
  })
})

test.each([
  'Box answered 409 item_name_in_use to POST /2.0/files/12/copy.',
  'remove-shared-link-after-download is done with the offer',
  'finally',
  'the hoppers of 2026',
])('what only resembles a name stays: %s', text => {
  expect(redactText(text, TEXTS)).toBe(text)
})

test('accounts that many have are called by nothing else', () => {
  for (const [name, login] of [
    ['Automation User', 'automation12@example.com'],
    ['Info', 'info@example.com'],
    ['Al Bo', 'al@example.com'],
  ])
    expect(privateTexts(Buffer.from(JSON.stringify({ type: 'user', name, login })))).toEqual([
      name,
      login,
      ...(name?.includes(' ') ? [name.split(' ').reverse().join(' ')] : []),
    ])
})
