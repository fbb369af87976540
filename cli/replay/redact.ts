import { isObject } from '../../lib/json.ts'

/** A payload without what it says of people and files; equal things have equal stand-ins. */
export type Redacted = {
  readonly payload: Record<string, unknown>
  /** What stands for an id. */
  readonly idOf: (id: string) => string
}

/** Fields whose values are words of Box's API, times or figures, and so tell nothing of anybody. */
const KEPT =
  /^(trigger|role|status|access|effective_access|effective_permission|item_status|resolution_state|reason|sequence_id|etag|\$scope|.*_at)$/

/** The types of Box's objects; a metadata instance's type is its template's name instead. */
const TYPES: ReadonlySet<unknown> = new Set([
  'webhook_event',
  'webhook',
  'user',
  'group',
  'file',
  'folder',
  'web_link',
  'file_version',
  'comment',
  'collaboration',
  'task_assignment',
  'sign-request',
  'sign_request',
])

/**
 * Takes out of an event's payload whatever names people, files or places, and keeps what automations decide by: types,
 * triggers, times, the endings of file names, which ids and addresses are the same, and the form of it all.
 */
export function redact(payload: Readonly<Record<string, unknown>>): Redacted {
  const redactor = new Redactor()
  return { payload: redactor.object(payload), idOf: id => redactor.id(id) }
}

class Redactor {
  readonly #standIns = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  object(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, this.#value(name, value)]))
  }

  /** The root folder keeps its id, by which Box knows it. */
  id(id: string): string {
    if (id === '0') return id
    return this.#standIn('id', id, number =>
      /^\d+$/.test(id) ? String(1_000_000_000 + number) : `id-${number}`,
    )
  }

  #value(name: string, value: unknown): unknown {
    if (Array.isArray(value)) return value.map(one => this.#value(name, one))
    if (isObject(value)) return this.object(value)
    if (typeof value === 'number') return isId(name) ? Number(this.id(String(value))) : value
    return typeof value === 'string' && value !== '' ? this.#text(name, value) : value
  }

  #text(name: string, text: string): string {
    if (KEPT.test(name) || (name === 'type' && TYPES.has(text))) return text
    if (isId(name)) return this.id(text)
    if (name === '$parent') return text.replace(/\d+$/, id => this.id(id))
    if (name === 'sha1') return '0'.repeat(40)
    if (/^[^@\s]+@[^@\s]+$/.test(text)) return this.#address(text)
    if (/^https?:/.test(text))
      return this.#standIn('link', text, number => `https://example.com/link-${number}`)
    if (name === 'name') return this.#standIn('name', text, number => `name-${number}${ending(text)}`)
    return this.#standIn('text', text, number => `text-${number}`)
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

/** What a file's name ends with, where it is short enough to be a kind of file. */
const ending = (name: string): string => /\.[a-zA-Z0-9]{1,5}$/.exec(name)?.[0] ?? ''
