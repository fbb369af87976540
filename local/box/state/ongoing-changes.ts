import type { Clock } from '../../../lib/base/clock.ts'
import { type Conditions, pause } from './conditions.ts'
import type { Content } from './content.ts'
import type { ItemReference } from './items.ts'
import { BoxRefusal } from './refusal.ts'

/** What a change of the content needs, and what it keeps others from. */
export type ChangeClaim = {
  /** The items that it reads or writes: refused while one of them, or a folder above, is held. */
  readonly at: readonly ItemReference[]
  /** The item that it holds, with all that lies in it. */
  readonly holds?: ItemReference | undefined
  /** The name that it reserves in a folder. */
  readonly reserves?: { readonly parentId: string; readonly name: string } | undefined
}

export type OngoingChangesOptions = {
  readonly content: Content
  readonly clock: Clock
  readonly conditions: Readonly<Conditions>
  readonly closing: AbortSignal
}

/**
 * Lets changes take their time, and refuses others that get in their way meanwhile. The codes and texts are those of Box's
 * common-errors guide: a name is reserved until the request that came first is through, and a folder is blocked by a move or
 * copy of it. Which requests Box counts as being in the way beyond that is a guess, as is that a file which is moved, renamed
 * or gets a new version is blocked like a folder.
 * @see https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/
 */
export class OngoingChanges {
  readonly #options: OngoingChangesOptions
  readonly #names = new Set<string>()
  readonly #held = new Set<string>()

  constructor(options: OngoingChangesOptions) {
    this.#options = options
  }

  /**
   * Makes a change once its time is over.
   * @throws BoxRefusal (409) where another change is in the way, and what `change` throws
   */
  async make<T>({ at, holds, reserves }: ChangeClaim, change: () => T): Promise<T> {
    const { content, clock, conditions, closing } = this.#options
    const isBlocked = at.some(item => content.pathOf(item).some(one => this.#held.has(itemKey(one))))
    if (isBlocked)
      throw new BoxRefusal(
        409,
        'operation_blocked_temporary',
        'The operation is blocked by another ongoing operation',
      )
    const name = reserves && `${reserves.parentId}/${reserves.name}`
    if (name !== undefined && this.#names.has(name))
      throw new BoxRefusal(
        409,
        'name_temporarily_reserved',
        'The item name is reserved by another processing item. Wait and then retry the request, or wait and check the parent folder to see if the name is in use.',
      )
    if (conditions.changeMs <= 0) return change()
    if (name !== undefined) this.#names.add(name)
    if (holds) this.#held.add(itemKey(holds))
    try {
      await pause(clock, conditions.changeMs, closing)
      return change()
    } finally {
      if (name !== undefined) this.#names.delete(name)
      if (holds) this.#held.delete(itemKey(holds))
    }
  }
}

const itemKey = ({ type, id }: ItemReference): string => `${type}:${id}`
