import { parseTimestamp } from '../base/timestamp.ts'

/** A key that may be the one that was signed with. */
export type KeyForm = {
  readonly bytes: Buffer
  /** Undefined where it is the key as given. */
  readonly cause?: 'key_whitespace' | 'key_quoted' | 'key_encoded'
  readonly evidence?: string
}

/**
 * A key as it was given, and what it may have been meant as.
 * @param text as it was given, white space around it included
 */
export function keyForms(text: string): readonly KeyForm[] {
  const key = text.trim()
  const form = (bytes: Buffer | string, cause: NonNullable<KeyForm['cause']>, evidence: string): KeyForm => ({
    bytes: Buffer.from(bytes),
    cause,
    evidence,
  })
  const bare = withoutQuotes(key)
  const forms: KeyForm[] = [
    { bytes: Buffer.from(key) },
    form(withoutSpace(key), 'key_whitespace', 'The signature fits without the white space within the key.'),
    form(bare, 'key_quoted', 'The signature fits without the quotes around the key.'),
    form(
      withoutSpace(bare),
      'key_quoted',
      'The signature fits without the quotes and white space of the key.',
    ),
    form(text, 'key_whitespace', 'The signature was made with the white space around the key.'),
    form(`${key}\n`, 'key_whitespace', 'The signature was made with a line end after the key.'),
    form(`${key}\r\n`, 'key_whitespace', 'The signature was made with a line end after the key.'),
    form(
      Buffer.from(key, 'base64'),
      'key_encoded',
      'The signature was made with the key decoded from base64.',
    ),
    form(Buffer.from(key, 'hex'), 'key_encoded', 'The signature was made with the key decoded from hex.'),
    form(
      Buffer.from(key).toString('base64'),
      'key_encoded',
      'The signature was made with base64 of the key.',
    ),
    form(Buffer.from(key).toString('hex'), 'key_encoded', 'The signature was made with hex of the key.'),
  ]
  const seen = new Set<string>()
  return forms.filter(({ bytes }) => {
    const hex = bytes.toString('hex')
    if (bytes.length === 0 || seen.has(hex)) return false
    seen.add(hex)
    return true
  })
}

const withoutSpace = (text: string): string => text.replace(/\s/g, '')

/** Takes pairs of quotes away, and what a shell's or a .env file's escapes make of them. */
function withoutQuotes(text: string): string {
  let bare = text
  for (let before = ''; before !== bare; ) {
    before = bare
    for (const quote of ['"', "'", '`', '\\"'])
      if (bare.length > 2 * quote.length && bare.startsWith(quote) && bare.endsWith(quote))
        bare = bare.slice(quote.length, -quote.length).trim()
  }
  return bare
}

/** The digest in a signature header, and how it is written where that is not as Box writes it. */
export type SignatureForm = { readonly digest: Buffer; readonly written?: string }

const DIGEST_BYTES = 32

/** Reads a signature header: base64 as Box writes it, or what else is a digest of 32 bytes. Never throws. */
export function signatureForms(header: string): readonly SignatureForm[] {
  const straight = Buffer.from(header, 'base64')
  if (straight.length === DIGEST_BYTES && straight.toString('base64') === header)
    return [{ digest: straight }]
  const texts = distinct(
    header
      .split(',')
      .flatMap(part => [part, percentDecoded(part)])
      .map(bareSignature),
  )
  const forms = texts.flatMap(text => [
    ...(/^[0-9a-f]{64}$/i.test(text) ? [{ digest: Buffer.from(text, 'hex'), written: 'in hex' }] : []),
    ...base64Forms(text, text === header),
  ])
  return forms.filter(({ digest }) => digest.length === DIGEST_BYTES)
}

function base64Forms(text: string, whole: boolean): SignatureForm[] {
  const spaced = text.replaceAll(' ', '+')
  if (!/^[\w+/-]+={0,2}$/.test(spaced)) return []
  const digest = Buffer.from(spaced, 'base64')
  const inner = digest.toString('latin1')
  if (/^[0-9a-f]{64}$/i.test(inner))
    return [{ digest: Buffer.from(inner, 'hex'), written: 'as base64 of its hex digits' }]
  const written = whole
    ? 'in base64 of another kind (URL-safe, or without its padding)'
    : 'with something around it'
  return [{ digest, written: text.includes(' ') ? 'with blanks where + was' : written }]
}

/** Says what kind of digest a header has, where it is one of another length; undefined where it is none. */
export function otherDigest(header: string): string | undefined {
  const text = bareSignature(header)
  const bytes = /^[0-9a-f]+$/i.test(text) && text.length % 8 === 0 ? text.length / 2 : base64Bytes(text)
  return OTHER_DIGESTS.get(bytes)
}

const base64Bytes = (text: string): number =>
  /^[\w+/-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64').length : 0

const OTHER_DIGESTS: ReadonlyMap<number, string> = new Map([
  [16, 'MD5'],
  [20, 'SHA-1'],
  [48, 'SHA-384'],
  [64, 'SHA-512'],
])

/** Without quotes, white space, and a scheme such as `sha256=`. */
function bareSignature(text: string): string {
  const bare = withoutQuotes(text.trim())
  const scheme = /^(?:hmac)?-?(?:sha-?256|v\d)\s?[=:]\s?/i.exec(bare)?.[0] ?? ''
  return bare.slice(scheme.length)
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const distinct = <T>(list: readonly T[]): T[] => [...new Set(list)]

/**
 * The texts that a timestamp may have been before it was written otherwise: the same moment in the forms of RFC 3339, in
 * every time zone. Without the text itself.
 */
export function timestampForms(header: string): readonly string[] {
  const text = withoutQuotes(percentDecoded(header).trim())
  const texts = distinct([text, text.replace(/[ +](\d\d:?\d\d)$/, '+$1'), text.toUpperCase()])
  const parts = header.split(',').map(part => part.trim())
  const forms = [...texts, ...parts, ...texts.flatMap(writtenAnew)]
  return distinct(forms).filter(form => form !== header && form !== '')
}

/** The moment of a text in every zone; one that tells no zone is taken for the time in each. */
function writtenAnew(text: string): string[] {
  const local = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?$/.test(text)
    ? parseTimestamp(`${text.replace(' ', 'T')}Z`)
    : undefined
  if (local !== undefined) return OFFSETS.flatMap(offset => writtenIn(local - offset * 60_000, offset))
  const moment = momentOf(text)
  return moment === undefined ? [] : OFFSETS.flatMap(offset => writtenIn(moment, offset))
}

/** Milliseconds since the epoch; undefined where the text tells no moment. */
function momentOf(text: string): number | undefined {
  const exact = parseTimestamp(text)
  if (exact !== undefined) return exact
  if (/^\d{10}(\.\d{1,9})?$/.test(text)) return Math.floor(Number(text) * 1000)
  if (/^\d{13}$/.test(text)) return Number(text)
  const parsed = text.length <= 80 ? Date.parse(text) : Number.NaN
  return Number.isFinite(parsed) ? parsed : undefined
}

/** Minutes ahead of UTC: every quarter of an hour from -12:00 to +14:00, Box's own first. */
const OFFSETS: readonly number[] = distinct([
  -420,
  -480,
  0,
  ...Array.from({ length: 26 * 4 + 1 }, (_, index) => index * 15 - 720),
])

function writtenIn(moment: number, offset: number): string[] {
  const local = moment + offset * 60_000
  if (Math.abs(local) > 8e15) return []
  const fraction = ((moment % 1000) + 1000) % 1000
  const fractions = fraction === 0 ? ['', '.000'] : [`.${String(fraction).padStart(3, '0')}`, '']
  const seconds = new Date(local).toISOString().slice(0, -5)
  const zones = offset === 0 ? ['Z', '+00:00'] : [zone(offset)]
  return fractions.flatMap(part => zones.map(one => `${seconds}${part}${one}`))
}

function zone(offset: number): string {
  const minutes = Math.abs(offset)
  const two = (number: number): string => String(number).padStart(2, '0')
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
