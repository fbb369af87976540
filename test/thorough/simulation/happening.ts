import type { Place } from './watched.ts'

/** An event as one webhook brings it. */
export type Notification = {
  /** What the webhook is set on. */
  readonly place: Place
  readonly webhookId: string
  readonly body: Uint8Array
  /** The automations that are to run for it, by name, each with its effects. */
  readonly expected: ReadonlyMap<string, readonly string[]>
  /** The automations that are concerned but filter it. */
  readonly filtered: readonly string[]
}

/** One event in Box, and what is to come of it. */
export type BoxHappening = {
  readonly eventId: string
  readonly trigger: string
  /** What it is about, such as `file:123`. */
  readonly item: string
  /** False where no event can be read from the body. */
  readonly readable: boolean
  /** One for each webhook that watches what it is about and has its trigger. */
  readonly notifications: readonly Notification[]
}
