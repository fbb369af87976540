import type { ActionResult } from '../protocol.ts'

/** What a button sends: flat text, whatever else came is made text. */
export type ActionInput = Readonly<Record<string, string>>

/** Does something and says what came of it. Throws {@link ActionRefused} or a BoxRefusal where it can't be done. */
export type Action = (input: ActionInput) => Promise<ActionResult> | ActionResult

/** Something that can't be done, with why and what to do instead. */
export class ActionRefused extends Error {
  override readonly name = 'ActionRefused'
}
