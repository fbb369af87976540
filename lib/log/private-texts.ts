import { isObject, parseObject } from '../base/json.ts'

/** What people write or are called by, whatever it looks like. */
const WRITTEN = /(^|_)(name|login|email|title|description|message|comment|phone|address|job_title)$/

/** What the API itself says: kinds, ids, times, states. */
const SAID = /(^|_)(type|id|at|etag|sha1|status|role|access|permission|trigger|extension|version|scope)$|^\$/

/** A text of which no more is known may be private where it is none of the API's words, numbers, ids or times. */
const IMPERSONAL =
  /^[a-z0-9_.:-]*$|^[A-Z_]+(\.[A-Z_]+)?$|^[\dA-Fa-f-]{32,}$|^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$|^https?:\/\//

/** Box's own payloads have some ten. */
const DEPTH_MAX = 100
const TEXTS_MAX = 200
const CHARACTERS_MAX = 32_768

/**
 * Collects the texts in an event's payload that a log must not tell: names of files, folders and people, how else these
 * people may be called, addresses, what somebody wrote. Never throws; of a payload that has very many, the first.
 * @param body a delivery's body
 */
export function privateTexts(body: Uint8Array): readonly string[] {
  const payload = parseObject(Buffer.from(body).toString())
  const ids = new Set<string>()
  const found = new Set<string>()
  const aliases = new Set<string>()
  let characters = 0
  const take = (text: string): void => {
    if (text === '' || found.size >= TEXTS_MAX || characters + text.length > CHARACTERS_MAX) return
    found.add(text)
    characters += text.length
  }
  const visit = (value: unknown, key: string, depth: number): void => {
    if (depth > DEPTH_MAX) return
    if (Array.isArray(value)) for (const one of value) visit(one, key, depth + 1)
    else if (isObject(value)) {
      for (const alias of aliasesOf(value)) aliases.add(alias)
      // The root folder has the same name for everybody.
      for (const [inner, one] of Object.entries(value))
        if (inner !== 'name' || value.id !== '0') visit(one, inner, depth + 1)
    } else if (typeof value === 'string') {
      if (/(^|_)id$/.test(key)) ids.add(value)
      if (WRITTEN.test(key) || !(SAID.test(key) || IMPERSONAL.test(value))) take(value)
    }
  }
  visit(payload, '', 0)
  for (const alias of aliases) take(alias)
  return [...found].filter(text => !ids.has(text))
}

/** How else a person may be called than by name and address: surname first or alone, a login without its domain. */
function aliasesOf({ name, login }: Readonly<Record<string, unknown>>): string[] {
  if (typeof login !== 'string') return []
  const [account = ''] = login.split('@')
  const words = typeof name === 'string' ? name.split(/[\s,]+/).filter(Boolean) : []
  const surname = words.at(-1)
  if (surname === undefined || words.length === 1) return [account].filter(isOwn)
  return [`${surname} ${words.slice(0, -1).join(' ')}`, ...[surname, account].filter(isOwn)]
}

/** Not what many accounts are called, nor so short that it stands in other texts by chance. */
const isOwn = (name: string): boolean =>
  name.length >= 4 &&
  /\p{L}/u.test(name) &&
  !/^(account|admin|app|automation|bot|developer|group|info|mail|office|service|support|system|team|test|user)\d*$/i.test(
    name,
  )
