/** What authors of automations import, as `boxhooks`. */

export {
  type AutomationDeclaration,
  automation,
  type RunContext,
  type Settings,
  skip,
} from './lib/automation.ts'
export type { Box } from './lib/box.ts'
export { BoxError, isBoxError } from './lib/box-error.ts'
export { PermanentError, RetryLater } from './lib/errors.ts'
export { type BoxEvent, type EventOf, type Item, pathOf, type Target, type Trigger } from './lib/event.ts'
export type * from './lib/resources.ts'
