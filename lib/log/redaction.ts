import { createLog, type Log, type LogConfig, type LogFields, type Redaction } from './log.ts'

/** What stands in a log for what is hidden, by what it was. */
const MARKS = { name: '[name]', email: '[email]', token: '[token]', link: '[link]' } as const

const MARK = String.raw`\[(?:name|email|token|link)\]`

/** The longest text that a log line tells, in characters; more is looked at, so that no name is cut in two. */
const TEXT_LENGTH_MAX = 8192
const LOOKED_AT_MAX = 10_240

/** Fields of the engine's own lines whose values are ids and words of its own, and of Box's API. */
const PLAIN = new Set([
  'attempt',
  'automations',
  'boxRequestId',
  'code',
  'deliveryId',
  'error',
  'kind',
  'method',
  'mode',
  'outcome',
  'origin',
  'requestId',
  'status',
  'target',
  'trigger',
  'webhookId',
])

/** What lines are found by. It comes from the engine in every line, and no automation can set it. */
const CORRELATION = new Set(['eventId', 'messageId', 'automation'])

/** The form of an id, a code or a name of the API: nothing that a person would write. */
const WORD = /^[\w.:,-]{1,128}$/

/** Lines in which an automation, not the engine, chooses the fields. */
const AUTHORS_LINES = new Set(['automation_log'])

/**
 * Hides in a log line's fields what is private: texts that are known of its event, and whatever looks like an e-mail
 * address, a link, or a token. Ids and codes stay. Never throws.
 */
export const redact: Redaction = (event, fields, texts) => {
  const isAuthors = AUTHORS_LINES.has(event)
  const redacted: Record<string, LogFields[string]> = {}
  for (const [key, value] of Object.entries(fields)) {
    const isPlain =
      typeof value !== 'string' || CORRELATION.has(key) || (!isAuthors && PLAIN.has(key) && WORD.test(value))
    redacted[isAuthors ? redactText(key, texts()) : key] = isPlain ? value : redactText(value, texts())
  }
  return redacted
}

/**
 * Hides what is private in a text; long ones are cut. Redacting twice is redacting once.
 * @param known texts that are to be hidden wherever they stand as words of their own, in whatever case or encoding
 */
export function redactText(text: string, known: readonly string[] = []): string {
  let before = cut(text, LOOKED_AT_MAX)
  const names = namesPattern(known)
  // What is hidden can bring together what stood apart. Each turn leaves less to be hidden.
  for (;;) {
    const after = cut(hidePatterns(names ? hide(before, names, MARKS.name) : before), TEXT_LENGTH_MAX)
    if (after === before) return after
    before = after
  }
}

const cut = (text: string, length: number): string =>
  text.length > length + 1 ? `${text.slice(0, length)}…` : text

const pattern = (source: string): RegExp => new RegExp(`${MARK}|${source}`, 'giu')

const LINK = pattern(
  String.raw`\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'<>\x60]+|(?<![\w.-])(?:[\w-]{1,63}\.){0,4}box(?:cloud)?\.com\/[^\s"'<>\x60]+`,
)
const EMAIL = pattern(
  String.raw`[^\s@<>()[\]",;:\\]{1,64}(?:@|%40)[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){0,6}`,
)
const HEADER = pattern(String.raw`(?<=\b(?:bearer|basic)\s{1,4})[^\s"',;]+`)
const SECRET = pattern(
  String.raw`(?<=(?:token|secret|passw(?:or)?d|passphrase|assertion|authorization|api[-_]?key|private[-_]?key|signature)\\?["']?\s{0,2}[=:]\s{0,2}\\?["']?)[^\s"'&,;}\\]+`,
)
const JWT = pattern(String.raw`\beyJ[\w-]{5,}(?:\.[\w-]+){1,4}`)
const RUN = pattern(String.raw`(?<![\w+=~-])[\w+=~-]{25,}`)
const BASE64 = pattern(String.raw`(?<![\w+/=])[a-z0-9+/]{22,}={1,2}`)

function hidePatterns(text: string): string {
  let hidden = hide(text, LINK, MARKS.link, link => !/^(file|node):/i.test(link))
  hidden = hide(hidden, EMAIL, MARKS.email)
  hidden = hide(hidden, HEADER, MARKS.token, isNoScheme)
  hidden = hide(hidden, SECRET, MARKS.token, isNoScheme)
  hidden = hide(hidden, JWT, MARKS.token)
  hidden = hide(hidden, RUN, MARKS.token, looksRandom)
  return hide(hidden, BASE64, MARKS.token, looksRandom)
}

const isMark = (text: string): boolean => new RegExp(`^${MARK}$`, 'iu').test(text)

function hide(
  text: string,
  what: RegExp,
  mark: string,
  isIt: (found: string) => boolean = () => true,
): string {
  return text.replace(what, found => (isMark(found) || !isIt(found) ? found : mark))
}

/** `authorization: Bearer …` has its token after the scheme. */
const isNoScheme = (text: string): boolean => !/^(bearer|basic)$/i.test(text) && !text.startsWith('[')

/** Ids of Box and AWS have one case, or parts; a token mixes cases and digits at length. */
function looksRandom(text: string): boolean {
  return text
    .split(/[^a-z0-9]+/i)
    .some(part => part.length >= 16 && /[a-z]/.test(part) && /[A-Z]/.test(part) && /\d/.test(part))
}

const patterns = new WeakMap<readonly string[], RegExp>()

function namesPattern(known: readonly string[]): RegExp | undefined {
  const made = patterns.get(known)
  if (made) return made
  const longestFirst = known.filter(isTelling).sort((one, other) => other.length - one.length)
  const written = new Set(longestFirst.flatMap(writings))
  if (written.size === 0) return undefined
  const names = pattern([...written].join('|'))
  patterns.set(known, names)
  return names
}

/** What is shorter stands in every other text. */
const isTelling = (text: string): boolean => text.trim().length >= (/^[ -~]*$/.test(text) ? 3 : 2)

/** What parts the words of a name; elsewhere, in the name of another file, a slug or a URL, it may be another of these. */
const BETWEEN_WORDS = /[ \u00a0_.,+-]+/
const BETWEEN = String.raw`(?:[\s_.,+-]|%20|%2[BC]|%C2%A0|\\u00a0)+`

const ENDING = /\.[a-z0-9]{1,5}$/i

/** The patterns of a text as it may come in other texts: with its words parted otherwise, in a URL, in a form, in JSON. */
function writings(known: string): string[] {
  const text = known.trim().toWellFormed()
  const words = text.split(BETWEEN_WORDS).filter(word => word !== '')
  if (words.length < 2 || !/\p{L}/u.test(text))
    return FORMS.map(write => bounded(text, escaped(write(text)), String.raw`\p{L}\p{N}_`))
  // Two words and more tell which file it is without its ending, too.
  const ending = words.length > 2 && ENDING.test(text) ? `(?:${BETWEEN}${words.pop()})?` : ''
  return FORMS.map(write => {
    const source = words.map(word => escaped(write(word))).join(BETWEEN) + ending
    // A name may be a part of one that is written with underscores.
    return bounded(words.join(' '), source, String.raw`\p{L}\p{N}`)
  })
}

const json = (text: string): string => JSON.stringify(text).slice(1, -1)

const FORMS: readonly ((text: string) => string)[] = [
  text => text,
  text => text.normalize('NFD'),
  encodeURIComponent,
  text => encodeURIComponent(text).replaceAll('%20', '+'),
  json,
  text => json(text).replace(/[^ -~]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  text => json(text).replaceAll('/', '\\/'),
]

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)

const WORDLY = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}_]/u

/** What is a letter or a digit and yet no part of a word: the end of what stands for a character in a URL or in JSON. */
const ESCAPE = String.raw`%[\da-f]{2}|\\u[\da-f]{4}|\\[bfnrt]`

/** Whole words only, in scripts that part words. */
function bounded(text: string, source: string, wordly: string): string {
  const [first = '', last = ''] = [[...text].at(0), [...text].at(-1)]
  const before = WORDLY.test(first) ? `(?:(?<![${wordly}])|(?<=${ESCAPE}))` : ''
  const after = WORDLY.test(last) ? `(?![${wordly}])` : ''
  return before + source + after
}

/** Makes the log of a function that has to do with automations: it hides names, addresses and links unless details are asked for. */
export function createFunctionLog(
  { logLevel, metrics, logDetails }: LogConfig & { readonly logDetails: boolean },
  { clock, write }: { readonly clock: { now(): number }; readonly write: (line: string) => void },
): Log {
  const redaction = logDetails ? undefined : redact
  return createLog({ now: clock.now, write, level: logLevel, metrics, redaction })
}
