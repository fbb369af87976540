import { type Target, TRIGGERS, type Trigger } from './event.ts'

/** A webhook that should exist on Box. */
export type DesiredWebhook = { readonly target: Target; readonly triggers: readonly Trigger[] }

/**
 * The webhooks that automations need together: one per target with every trigger that any of them is on, as Box allows
 * one webhook per item, application and user.
 * @see https://developer.box.com/guides/webhooks/v2/limitations-v2/
 */
export function desiredWebhooks(
  declared: readonly { readonly on: readonly Trigger[]; readonly watch: readonly Target[] }[],
): DesiredWebhook[] {
  const byTarget = new Map<string, { target: Target; triggers: Set<Trigger> }>()
  for (const { on, watch } of declared) {
    for (const { type, id } of watch) {
      const key = `${type}:${id}`
      const wanted = byTarget.get(key) ?? { target: { type, id }, triggers: new Set() }
      for (const trigger of on) if (TRIGGERS[trigger].subscribable) wanted.triggers.add(trigger)
      byTarget.set(key, wanted)
    }
  }
  return [...byTarget.values()]
    .filter(({ triggers }) => triggers.size > 0)
    .map(({ target, triggers }) => ({ target, triggers: [...triggers].sort() }))
}
