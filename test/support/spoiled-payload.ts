import fc from 'fast-check'
import { isObject } from '../../lib/base/json.ts'

type Path = readonly [string, ...string[]]

/** Values of every type that JSON has, and texts that try to be ids, types and paths. */
const value: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, Number.MAX_VALUE, '', [], {}, [null], [[]], [{}]),
  fc.constantFrom('file', 'folder', 'web_link', 'webhook', 'sign-request', 'shared', 'file_7', 'folder_0'),
  fc.constantFrom('1', '0', '../users/me', '1?x=1', '1/../2', 'a b', 'é', '%2e%2e', '\n', '-', '__proto__'),
  fc.constantFrom({ type: 'file', id: '7' }, { item_type: 'web_link', item_id: '7' }, { type: 'folder' }),
  fc.constantFrom('2026-03-02T10:15:30-08:00', '2026', 'yesterday', '2026-02-30T10:00:00Z'),
  fc.uuid(),
  fc.string({ minLength: 100, maxLength: 300 }),
  fc.jsonValue({ maxDepth: 1 }),
)

/** Names under which an event is read, and names that an object has by itself. */
const name = fc.constantFrom(
  ...[
    'id',
    'type',
    'item_id',
    'item_type',
    'name',
    'item',
    '$parent',
    'parent',
    'path_collection',
    'entries',
  ],
  ...['source_files', 'sign_files', 'files', 'template_file', 'output_file', 'parent_folder', 'target'],
  ...['webhook', 'created_at', 'created_by', 'additional_info', 'old_name', 'before', 'signer_emails'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty'],
)

const change = fc.record({
  at: fc.nat(),
  how: fc.constantFrom('remove' as const, 'null' as const, 'retype' as const, 'add' as const),
  value,
  name,
})
type Change = typeof change extends fc.Arbitrary<infer C> ? C : never

/** Takes away, nulls, retypes and adds up to five fields of a payload at any depth, but never its trigger. */
export const spoiled = (payload: object): fc.Arbitrary<object> =>
  fc.array(change, { minLength: 1, maxLength: 5 }).map(changes => changes.reduce(changed, payload))

function changed(payload: object, { at, how, value: put, name: added }: Change): object {
  const paths = pathsIn(payload)
  const path = paths[at % paths.length]
  if (!path) return payload
  const copy = JSON.parse(JSON.stringify(payload))
  const holder = path.slice(0, -1).reduce((object: unknown, key) => Reflect.get(Object(object), key), copy)
  const key = how === 'add' && !(path.length === 1 && added === 'trigger') ? added : (path.at(-1) ?? '')
  if (typeof holder !== 'object' || holder === null) return payload
  if (how === 'remove') Reflect.deleteProperty(holder, key)
  // A key such as __proto__ must become a field, as it is in JSON.
  else Object.defineProperty(holder, key, { value: how === 'null' ? null : put, ...FIELD })
  return copy
}

const FIELD = { enumerable: true, configurable: true, writable: true }

/** Where the fields of a payload are, all but its trigger. */
function pathsIn(payload: object): readonly Path[] {
  const paths: Path[] = []
  const walk = (one: unknown, before: readonly string[]): void => {
    if (!isObject(one) && !Array.isArray(one)) return
    for (const [key, below] of Object.entries(one)) {
      const [first = key, ...rest] = [...before, key]
      if (before.length > 0 || key !== 'trigger') paths.push([first, ...rest])
      walk(below, [...before, key])
    }
  }
  walk(payload, [])
  return paths
}
