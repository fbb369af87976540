import { ALARM_CHECKS } from './alarms.ts'
import { BOX_CHECKS } from './box-checks.ts'
import { type Check, GROUPS } from './check.ts'
import { CLOCK_CHECKS } from './clock.ts'
import { VERSION_CHECKS } from './deployment-checks.ts'
import { DOOR_CHECKS } from './endpoint-checks.ts'
import { LEDGER_CHECKS } from './ledger-checks.ts'
import { QUEUE_CHECKS } from './queue-checks.ts'
import { SECRET_CHECKS } from './secrets.ts'
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
