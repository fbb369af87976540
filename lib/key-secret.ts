import { isObject, parseObject } from './base/json.ts'
import { keyId, keyIds } from './ingest/key-fields.ts'
import type { KeyName, SignatureKeys } from './ingest/signature.ts'
import { parseKeys } from './ingest/signature-keys.ts'

/**
 * A rotation that is under way. It lies in the secret beside the keys, where ingest passes it over: whoever may rotate can go on
 * with it, from any machine.
 */
export type KeyRotation = {
  /** RFC 3339. */
  readonly startedAt: string
  readonly by: string
  /** The keys to be replaced: the first is the one at hand. */
  readonly todo: readonly [KeyName, ...KeyName[]]
  /** Whether the new key is still to be stored, or is stored and to be seen in traffic. */
  readonly phase: 'reset' | 'seen'
  /** Since when, as RFC 3339. */
  readonly since: string
  /** The id of the key that deliveries stand on while the one at hand is replaced. */
  readonly relied: string
  /** The key in whose place the new one was put, until that is known to be right. */
  readonly replaced?: string
}

/** The secret of the signature keys, read. */
export type KeySecret = {
  readonly keys: SignatureKeys
  /** Since when a key is stored, as RFC 3339, by its id; of keys that were stored otherwise it is not known. */
  readonly storedAt: Readonly<Record<string, string>>
  readonly rotation?: KeyRotation | undefined
}

export const OTHER = { primary: 'secondary', secondary: 'primary' } as const satisfies Record<
  KeyName,
  KeyName
>

/**
 * Reads the secret. A rotation that does not fit the keys, because somebody has stored others beside it, is none.
 * @throws Error where the text is no JSON object; its message never contains the text
 */
export function readKeySecret(text: string | undefined): KeySecret {
  const keys = parseKeys(text)
  const { storedAt, rotation } = parseObject(text ?? '') ?? {}
  const times = Object.entries(isObject(storedAt) ? storedAt : {})
  const known = Object.fromEntries(times.filter((entry): entry is [string, string] => isTime(entry[1])))
  const found = rotationIn(rotation)
  return { keys, storedAt: known, rotation: found && fits(found, keys, known) ? found : undefined }
}

function fits({ todo: [slot], phase, relied }: KeyRotation, keys: SignatureKeys, storedAt: object): boolean {
  const ids = keyIds(keys)
  if ((ids[OTHER[slot]] ?? '') !== relied) return false
  return phase === 'reset' || Object.hasOwn(storedAt, ids[slot] ?? '')
}

/** Writes the secret. Times of keys that are gone are left out. */
export function keySecretText({ keys, storedAt, rotation }: KeySecret): string {
  const ids: readonly (string | undefined)[] = Object.values(keyIds(keys))
  const times = Object.entries(storedAt).filter(([id]) => ids.includes(id))
  return JSON.stringify({
    primary: keys.primary ?? '',
    secondary: keys.secondary ?? '',
    ...(times.length > 0 ? { storedAt: Object.fromEntries(times) } : {}),
    ...(rotation ? { rotation } : {}),
  })
}

function rotationIn(json: unknown): KeyRotation | undefined {
  if (!isObject(json)) return undefined
  const { startedAt, by, todo, phase, since, relied, replaced } = json
  const [first, ...rest] = Array.isArray(todo) ? todo.filter(isKeyName) : []
  if (!isTime(startedAt) || !isTime(since) || typeof by !== 'string' || typeof relied !== 'string')
    return undefined
  if ((phase !== 'reset' && phase !== 'seen') || first === undefined) return undefined
  const kept = typeof replaced === 'string' ? { replaced } : {}
  return { startedAt, by, todo: [first, ...rest], phase, since, relied, ...kept }
}

const isKeyName = (value: unknown): value is KeyName => value === 'primary' || value === 'secondary'
const isTime = (value: unknown): value is string =>
  typeof value === 'string' && Number.isFinite(Date.parse(value))

/** Begins a rotation. */
export function begun(
  secret: KeySecret,
  rotation: Pick<KeyRotation, 'by' | 'todo'> & { readonly at: number },
): KeySecret {
  const { by, todo } = rotation
  const at = new Date(rotation.at).toISOString()
  const relied = keyIds(secret.keys)[OTHER[todo[0]]] ?? ''
  return { ...secret, rotation: { startedAt: at, by, todo, phase: 'reset', since: at, relied } }
}

/** Puts the new key in the place of the one at hand. Without a rotation nothing changes, here and below. */
export function stored(secret: KeySecret, key: string, at: number): KeySecret {
  return changed(secret, ({ todo, ...rotation }) => {
    const [slot] = todo
    const since = new Date(at).toISOString()
    const replaced = secret.keys[slot]
    return {
      keys: { ...secret.keys, [slot]: key },
      storedAt: { ...secret.storedAt, [keyId(key)]: since },
      rotation: { ...rotation, todo, phase: 'seen', since, ...(replaced ? { replaced } : {}) },
    }
  })
}

/** Promotes the key at hand, which has been seen: deliveries stand on it from now on. After the last the rotation is over. */
export function promoted(secret: KeySecret, at: number): KeySecret {
  return changed(secret, ({ todo, replaced: _, ...rotation }) => {
    const [slot, next, ...rest] = todo
    const relied = keyIds(secret.keys)[slot] ?? ''
    const since = new Date(at).toISOString()
    return {
      ...secret,
      rotation: next ? { ...rotation, todo: [next, ...rest], phase: 'reset', since, relied } : undefined,
    }
  })
}

/** Takes a key that was not the right one out again, and goes back to asking for it. */
export function takenBack(secret: KeySecret, at: number): KeySecret {
  return changed(secret, ({ replaced, ...rotation }) => ({
    ...secret,
    keys: { ...secret.keys, [rotation.todo[0]]: replaced },
    rotation: { ...rotation, phase: 'reset', since: new Date(at).toISOString() },
  }))
}

/** The new key is the other one's, since that was reset: it moves there, and what it had replaced comes back. */
export function movedOver(secret: KeySecret): KeySecret {
  return changed(secret, ({ replaced, ...rotation }) => {
    const [slot] = rotation.todo
    const other = OTHER[slot]
    const keys = { ...secret.keys, [other]: secret.keys[slot], [slot]: replaced }
    const lost = secret.keys[other]
    return {
      ...secret,
      keys,
      rotation: {
        ...rotation,
        todo: [other, slot],
        relied: keyIds(keys)[slot] ?? '',
        ...(lost ? { replaced: lost } : {}),
      },
    }
  })
}

/** The other key was reset before one was stored, so that one's turn is first. */
export function turned(secret: KeySecret, at: number): KeySecret {
  return changed(secret, ({ replaced: _, ...rotation }) => {
    const [slot] = rotation.todo
    const relied = keyIds(secret.keys)[slot] ?? ''
    const since = new Date(at).toISOString()
    return { ...secret, rotation: { ...rotation, todo: [OTHER[slot], slot], since, relied } }
  })
}

/** Ends a rotation where it is. */
export const ended = (secret: KeySecret): KeySecret => ({ ...secret, rotation: undefined })

const changed = (secret: KeySecret, change: (rotation: KeyRotation) => KeySecret): KeySecret =>
  secret.rotation ? change(secret.rotation) : secret
