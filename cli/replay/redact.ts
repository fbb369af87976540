import { isObject } from '../../lib/base/json.ts'
import { triggerOf } from '../../lib/event/event.ts'
import { ENDINGS, FIELDS, WORDS } from './box-words.ts'

/** A payload without what it says of people and files; equal things have equal stand-ins. */
export type Redacted = {
  readonly payload: Record<string, unknown>
  /** What stands for an id. */
  readonly idOf: (id: string) => string
}

/**
 * Takes out of an event's payload whatever could name people, files or places. What stays is known to name nobody: the
 * fields and words of Box's API, the times of its fields, the common endings of file names, and what the automation's own
 * code says. All else gets a stand-in of its form, so that automations find which ids, names and addresses are the same.
 * @param code the automation's, which is in the repository already
 */
export function redact(payload: Readonly<Record<string, unknown>>, code = ''): Redacted {
  const redactor = new Redactor(code)
  return { payload: redactor.object(payload), idOf: id => redactor.id(id) }
}

const ADDRESS = /^[^@\s]+@[^@\s]+$/
const LINK = /^https?:/i
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/
const HASH = /^[\dA-Fa-f]{32,128}$/
/** `file_123`, `enterprise_123`: how metadata names what it is about, and whose template it has. */
const REFERENCE = /^(file|folder|enterprise)_(\d+)$/
const DAY_MS = 86_400_000

class Redactor {
  readonly #standIns = new Map<string, string>()
  readonly #counts = new Map<string, number>()
  readonly #code: string
  readonly #identifiers: ReadonlySet<string>

  constructor(code: string) {
    this.#code = code
    this.#identifiers = new Set(code.match(/[\p{L}_$][\p{L}\p{N}_$]*/gu))
  }

  object(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(object).map(([name, value]) => [this.#field(name), this.#value(name, value)]),
    )
  }

  /** The root folder keeps its id, by which Box knows it. */
  id(id: string): string {
    if (id === '0') return id
    return this.#standIn('id', id, number =>
      /^\d+$/.test(id) ? String(1_000_000_000 + number) : `id-${number}`,
    )
  }

  #field(name: string): string {
    if (FIELDS.has(name) || this.#isInCode(name)) return name
    return this.#standIn('field', name, number => `field_${number}`)
  }

  #isInCode(text: string): boolean {
    return (
      this.#identifiers.has(text) || ["'", '"', '`'].some(quote => this.#code.includes(quote + text + quote))
    )
  }

  #value(name: string, value: unknown): unknown {
    if (Array.isArray(value)) return value.map(one => this.#value(name, one))
    if (isObject(value)) return this.object(value)
    if (typeof value === 'number') return this.#number(name, value)
    return typeof value === 'string' && value !== '' ? this.#text(name, value) : value
  }

  /** A size keeps its order of magnitude; what counts things is kept where it is small. */
  #number(name: string, value: number): number {
    if (isId(name) && Number.isSafeInteger(value) && value >= 0) return Number(this.id(String(value)))
    if (name === 'size') return Number(value.toPrecision(1))
    if (COUNTS.test(name) && Number.isInteger(value) && value >= 0 && value < 1000) return value
    const standIn = Number(this.#standIn('number', String(value), number => String(1000 + number)))
    return (standIn + (Number.isInteger(value) ? 0 : 0.5)) * (value < 0 ? -1 : 1)
  }

  #text(name: string, text: string): string {
    if (isId(name)) return this.id(text)
    if (WORDS.has(text) || ENDINGS.has(text) || triggerOf(text) !== undefined || this.#isInCode(text))
      return text
    if (/^(etag|sequence_id)$/.test(name) && /^\d{1,6}$/.test(text)) return text
    if (TIME.test(text)) return this.#time(name, text)
    if (HASH.test(text)) return text.replace(/./g, '0')
    if (REFERENCE.test(text)) return text.replace(/\d+$/, id => this.id(id))
    if (ADDRESS.test(text)) return this.#address(text)
    if (LINK.test(text)) return this.#standIn('link', text, number => `https://example.com/link-${number}`)
    const kind = name === 'name' || name === 'old_name' ? 'name' : 'text'
    return this.#standIn('text', text, number => `${kind}-${number}${endingOf(text)}`)
  }

  /** When something was done on Box tells of nobody; another time, such as a birthday in metadata, may. */
  #time(name: string, text: string): string {
    if (FIELDS.has(name) && name.endsWith('_at')) return text
    return this.#standIn('time', text, number => new Date(number * DAY_MS).toISOString())
  }

  #address(text: string): string {
    const at = text.lastIndexOf('@')
    const domain = this.#standIn('domain', text.slice(at + 1), number => `domain-${number}.example`)
    return `${this.#standIn('person', text.slice(0, at), number => `person-${number}`)}@${domain}`
  }

  #standIn(kind: string, text: string, make: (number: number) => string): string {
    const key = `${kind} ${text}`
    const known = this.#standIns.get(key)
    if (known !== undefined) return known
    const number = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, number)
    const made = make(number)
    this.#standIns.set(key, made)
    return made
  }
}

const isId = (name: string): boolean => /(^|_)id$/.test(name) && name !== 'sequence_id'

const COUNTS = /^(\$version|\$typeVersion|version_number|(total|comment|download|preview)_count)$/

/** The end of a file's name, where it is one that many have: `j.smith` has none. */
function endingOf(name: string): string {
  const [ending = ''] = /\.[a-zA-Z0-9]{1,10}$/.exec(name) ?? []
  return ENDINGS.has(ending.slice(1).toLowerCase()) ? ending : ''
}
