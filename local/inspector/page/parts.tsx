import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { ActionResult } from '../protocol.ts'
import { act } from './api.ts'
import { openEvent } from './place.ts'
import { acted } from './store.ts'

/** What the page says to whoever pressed a button. */
export type Said = { readonly text: string; readonly bad: boolean }

let tell: (said: Said | undefined) => void = () => {}

/** Says something at the foot of the page. */
export const say = (text: string, bad = false): void => tell({ text, bad })

/** The foot of the page, where things are said. It stays until it is closed or something else is said. */
export function Message() {
  const [said, setSaid] = useState<Said>()
  tell = setSaid
  return (
    <div
      id="message"
      class={said?.bad ? 'message bad-box' : 'message'}
      role="status"
      aria-live="polite"
      hidden={!said}
    >
      <p>{said?.text}</p>
      <button type="button" class="bare" aria-label="Close the message" onClick={() => setSaid(undefined)}>
        ×
      </button>
    </div>
  )
}

/** Does an action, says what came of it, and opens the event that it is about. */
export async function perform(
  name: string,
  input: Readonly<Record<string, string>> = {},
): Promise<ActionResult | undefined> {
  const { hash } = location
  try {
    const result = await act(name, input)
    acted()
    say(result.message)
    // Whoever went elsewhere meanwhile is not called back.
    if (result.eventId && location.hash === hash) openEvent(result.eventId)
    return result
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), true)
    return undefined
  }
}

/** A button that can't be pressed again while what it does goes on. */
export function ActionButton(props: {
  readonly children: ComponentChildren
  readonly onPress: () => Promise<unknown>
  readonly title?: string | undefined
  /** What matters most where it stands. */
  readonly primary?: boolean
}) {
  const [busy, setBusy] = useState(false)
  const press = async () => {
    setBusy(true)
    try {
      await props.onPress()
    } finally {
      setBusy(false)
    }
  }
  return (
    <button
      type="button"
      class={props.primary ? 'primary' : ''}
      title={props.title}
      disabled={busy}
      onClick={press}
    >
      {props.children}
    </button>
  )
}

/** An event's or run's state, in words and in colour. */
export const Chip = ({ state }: { readonly state: string }) => (
  <span class={`chip ${toneClass(state)}`}>{state}</span>
)

const GOOD: ReadonlySet<string> = new Set(['done', 'accepted'])
const BAD: ReadonlySet<string> = new Set(['dead', 'failed', 'refused', 'undelivered'])
const PLAIN: ReadonlySet<string> = new Set(['skipped'])

function toneClass(state: string): string {
  if (GOOD.has(state)) return 'good'
  if (BAD.has(state)) return 'bad'
  return PLAIN.has(state) ? 'plain' : 'wait'
}

/** Text that is set as it is: headers, bodies, records. What scrolls is reached with the keyboard. */
export const Code = ({ text, label }: { readonly text: string; readonly label: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
  <section class="code" tabIndex={0} aria-label={label}>
    <pre>{text}</pre>
  </section>
)

/** JSON set out over lines; other text as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

export const plural = (count: number, noun: string): string =>
  `${count} ${count === 1 ? noun : noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`}`

export const clockText = (ms: number): string => new Date(ms).toLocaleTimeString()
