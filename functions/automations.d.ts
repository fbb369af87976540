declare module 'boxhooks:automations' {
  import type { Automation } from '../lib/automation/automation.ts'

  /** The default exports of automations/*.ts in the order of their file names; infra/build/bundle.ts makes this module. */
  const automations: readonly Automation[]
  export default automations
}
