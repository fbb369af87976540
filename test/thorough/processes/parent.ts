import { isObject, parseObject } from '../../../lib/base/json.ts'
import type { ChildMessage } from './channel.ts'

/** What this process was started with. */
export const settings: ChildMessage = parseObject(process.argv[2] ?? '') ?? {}

/** A process whose parent is gone has nothing left to do. */
process.on('disconnect', () => process.exit())

/** Says something to the process that started this one. */
export function tell(message: { readonly kind: string; readonly [field: string]: unknown }): void {
  process.send?.(message, undefined, {}, () => {})
}

/** Does what the parent asks for, and says when it is done. */
export function onAsk(act: (message: ChildMessage) => Promise<void>): void {
  process.on('message', async message => {
    if (isObject(message)) await act(message)
    tell({ kind: 'answered' })
  })
}
