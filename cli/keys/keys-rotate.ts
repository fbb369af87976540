import { keyId, keyIds } from '../../lib/ingest/key-fields.ts'
import type { KeyName } from '../../lib/ingest/signature.ts'
import { SETTLE_MS } from '../../lib/key-rotation.ts'
import { type KeySecret, OTHER } from '../../lib/key-secret.ts'
import { keyProblem } from '../stage/secret-rules.ts'
import { type StageRef as Place, formatStage as placeText } from '../stage/stage-ref.ts'
import { CommandError } from '../terminal/command-error.ts'
import { openPrompt, PromptEnded } from '../terminal/prompt.ts'
import { readText } from '../terminal/read-input.ts'
import { INTERRUPTED, interruptible, type Shell } from '../terminal/shell.ts'
import { type WalkEnd, walkRotation } from './key-walk.ts'
import { abort } from './keys-abort.ts'
import { goOnText, trafficHint } from './keys-text.ts'
import { connectKeys, type StageKeys } from './stage-keys.ts'
import { createWaitLine } from './wait-line.ts'

export type RotateOptions = {
  readonly place: Place
  /** The key to be replaced; both by default. */
  readonly only?: KeyName
  /** A file with the new key for the step at hand, or `-` for standard input; asks where it is absent. */
  readonly keyFile?: string
  /** Whether to wait for traffic. */
  readonly wait: boolean
  /** How long a new key is watched, in milliseconds. */
  readonly settleMs?: number | undefined
  /** How long traffic is waited for, in milliseconds. */
  readonly timeoutMs: number
  /** Ends the rotation that is under way instead. */
  readonly abort?: boolean
  /** Does not ask before that. */
  readonly yes?: boolean
  readonly by: string
  /** Prints JSON, for programs; what is for people then goes to standard error. */
  readonly json?: boolean
}

/** How often the traffic is looked at, in milliseconds. */
const LOOK_MS = 2000

/** On the local stack a delivery is answered or given up within 30 s, and each retry is signed anew. */
const LOCAL_SETTLE_MS = 45_000

/**
 * Guides through a rotation of the signature keys that refuses no delivery, from wherever it is.
 * @throws CommandError, AwsUnreachable, each with what to do
 */
export async function rotate(shell: Shell, options: RotateOptions): Promise<void> {
  const { place, json } = options
  const typed = options.keyFile === undefined ? undefined : readText(shell, options.keyFile).trim()
  const say = json ? async (text: string) => shell.printError(text) : (text: string) => shell.print(text)
  const keys = await connectKeys(shell, place)
  try {
    if (options.abort) await abort(shell, keys, { ...options, say })
    else await walk(shell, keys, { ...options, say, typed })
    if (json) await shell.print(JSON.stringify(await whereItIs(keys), null, 2))
  } finally {
    keys.close()
  }
}

type Walking = RotateOptions & {
  readonly say: (text: string) => Promise<unknown>
  readonly typed: string | undefined
}

async function walk(shell: Shell, keys: StageKeys, options: Walking): Promise<void> {
  const { place, only, by, say } = options
  const { settleMs = 'stage' in place ? SETTLE_MS : LOCAL_SETTLE_MS } = options
  const timeoutMs = options.wait ? options.timeoutMs : 0
  const asking = keyAsker(shell, options)
  const end = await interruptible(shell, `Left where it is; ${goOnText(place)} goes on.`, signal =>
    walkRotation({
      ...{ keys, place, only, settleMs, timeoutMs, by, say, signal, lookMs: LOOK_MS },
      now: shell.now,
      sleep: shell.sleep,
      line: createWaitLine(shell),
      askKey: (slot, secret) => asking(slot, secret, signal),
    }).catch(async (error: unknown): Promise<WalkEnd> => {
      if (!(error instanceof PromptEnded)) throw error
      await say(`Left where it is; ${goOnText(place)} goes on.`)
      shell.exitCode = INTERRUPTED
      return 'stopped'
    }),
  )
  const text = endText(end, place)
  if (text !== undefined) await say(text)
  if (end === 'traffic' && options.wait) throw new CommandError(trafficHint(place))
  if (end === 'key' && options.wait && options.typed === undefined)
    throw new CommandError(
      'Nobody is there to ask. Give the new key with --key-file FILE, or - for standard input.',
    )
}

function endText(end: WalkEnd, place: Place): string | undefined {
  switch (end) {
    case 'done':
      return `Done. Rotated: ${placeText(place)}.`
    case 'ended':
      return 'The rotation was ended by somebody else.'
    case 'stopped':
      // Whoever has stopped it was told already.
      return undefined
    case 'key':
      return `Next: ${goOnText(place)} with the new key.`
    case 'traffic':
      return `No more can be said before further deliveries have come in. Nothing is lost by waiting: ${goOnText(place)} goes on.`
  }
}

/** Gets new keys: the one that was given, once, and the others from whoever sits at the terminal. */
function keyAsker({ terminal }: Shell, { typed, say, wait }: Walking) {
  let given = typed
  return async (slot: KeyName, secret: KeySecret, signal: AbortSignal): Promise<string | undefined> => {
    if (given !== undefined) {
      const key = given
      given = undefined
      const problem = newKeyProblem(key, secret)
      if (problem) throw new CommandError(`The key was not stored: ${problem}`)
      return key
    }
    if (!wait || typed !== undefined || !terminal) return undefined
    const prompt = openPrompt(terminal)
    signal.addEventListener('abort', prompt.close, { once: true })
    try {
      for (;;) {
        const key = await prompt.ask(`New ${slot} key: `, { hidden: true })
        const problem = newKeyProblem(key, secret)
        if (!problem) return key
        await say(`  ${problem}`)
      }
    } finally {
      prompt.close()
    }
  }
}

/** Says why a key can't be the new one, without any of it. */
function newKeyProblem(key: string, { keys, rotation }: KeySecret): string | undefined {
  if (key === '') return 'Nothing was entered. Ctrl-C leaves the rotation where it is.'
  const problem = keyProblem(key)
  if (problem) return problem
  const ids = keyIds(keys)
  for (const name of ['primary', 'secondary'] as const)
    if (ids[name] === keyId(key))
      return `It is what is stored as ${name} already. Copy the one that was generated anew.`
  return rotation?.replaced === key ? 'It is the key that is being replaced. Copy the new one.' : undefined
}

/** For programs: whether a rotation is under way and what is next, and the ids of the keys. */
async function whereItIs(keys: StageKeys): Promise<object> {
  const { secret } = await keys.read()
  const { replaced: _, ...rotation } = secret.rotation ?? {}
  const next =
    secret.rotation === undefined
      ? null
      : {
          key: secret.rotation.todo[0],
          action: secret.rotation.phase === 'reset' ? 'reset-and-store' : 'wait-for-traffic',
          reliedUpon: OTHER[secret.rotation.todo[0]],
        }
  return { done: next === null, next, keys: keyIds(secret.keys), rotation: next === null ? null : rotation }
}
