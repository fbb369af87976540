import fc from 'fast-check'

const codePoint = fc.oneof(
  fc.integer({ min: 0x20, max: 0x7e }),
  fc.integer({ min: 0, max: 0xd7ff }),
  fc.integer({ min: 0xe000, max: 0x10ffff }),
)

/**
 * Any character there is, as the unit of a text. fast-check's own unit `binary` has the same characters, but takes a second to
 * make in every file that uses it.
 */
export const anyCharacter: fc.Arbitrary<string> = codePoint.map(code => String.fromCodePoint(code))
