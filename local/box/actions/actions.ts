import type { EmulatedBox } from '../emulated-box.ts'
import { BoxRefusal } from '../state/refusal.ts'
import type { Doing } from './action.ts'
import { BOX_DOINGS } from './box-actions.ts'
import { FILE_DOINGS, FOLDER_DOINGS, TRASH_DOINGS } from './item-actions.ts'
import { ANNOUNCEMENTS, COLLABORATION_DOINGS } from './other-actions.ts'

/** Everything that can be done in the emulated Box; together it can be told of with every trigger that there is. */
export const DOINGS: readonly Doing[] = [
  ...FOLDER_DOINGS,
  ...FILE_DOINGS,
  ...ANNOUNCEMENTS,
  ...TRASH_DOINGS,
  ...COLLABORATION_DOINGS,
  ...BOX_DOINGS,
]

/**
 * Does something in the emulated Box.
 * @throws BoxRefusal where there is no such doing, or it can't be done
 */
export function doIn(
  box: EmulatedBox,
  name: string,
  id: string,
  fields: Readonly<Record<string, string>> = {},
): void {
  const doing = DOINGS.find(one => one.name === name)
  if (!doing) throw new BoxRefusal(404, 'not_found', `There is nothing called ${name} that could be done.`)
  doing.act(box, id, fields)
}
