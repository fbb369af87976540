/** What authors of automations import, as `boxhooks`. */

export {
  type AutomationDeclaration,
  automation,
  type RunContext,
  type Settings,
  skip,
} from './lib/automation/automation.ts'
export { PermanentError, RetryLater } from './lib/base/errors.ts'
export type { Box } from './lib/box/box.ts'
export { BoxError, isBoxError } from './lib/box/box-error.ts'
export {
  type BoxEvent,
  type EventOf,
  type Item,
  pathOf,
  type Target,
  type Trigger,
} from './lib/event/event.ts'
export type * from './lib/event/resources.ts'
