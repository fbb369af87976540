import { ALARM_CHECKS } from './alarms.ts'
import { BOX_CHECKS } from './box-app.ts'
import { type Check, GROUPS } from './check.ts'
import { CLOCK_CHECKS } from './clock.ts'
import { DOOR_CHECKS } from './front-door.ts'
import { LEDGER_CHECKS } from './ledger.ts'
import { QUEUE_CHECKS } from './queue.ts'
import { SECRET_CHECKS } from './secrets.ts'
import { VERSION_CHECKS } from './versions.ts'
import { WEBHOOK_CHECKS } from './webhooks.ts'

/** All that `boxhooks doctor` looks over, in the order in which it tells it. */
export const CHECKS: readonly Check[] = [
  ...SECRET_CHECKS,
  ...BOX_CHECKS,
  ...WEBHOOK_CHECKS,
  ...DOOR_CHECKS,
  ...QUEUE_CHECKS,
  ...LEDGER_CHECKS,
  ...ALARM_CHECKS,
  ...VERSION_CHECKS,
  ...CLOCK_CHECKS,
].toSorted((one, other) => GROUPS.indexOf(one.group) - GROUPS.indexOf(other.group))
