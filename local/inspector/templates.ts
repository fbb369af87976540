import { isTrigger, TRIGGERS } from '../../lib/event/event.ts'
import type { EmulatedBox } from '../box/emulated-box.ts'
import { itemTypesOf, payloadOf } from '../box/events/event-payload.ts'
import { filled, samplePayload, shapeOf } from '../box/events/payload.ts'
import type { WireObject } from '../box/events/shapes.ts'
import { shapesOf } from '../box/events/shapes.ts'
import { boxTime, wireItem, wireMini } from '../box/events/wire.ts'
import type { ItemReference } from '../box/state/items.ts'
import type { TemplateName } from './protocol.ts'

/** Every trigger that there is, with the shapes in which Box is known to send it, the best known first. */
export const templateNames = (): readonly TemplateName[] =>
  Object.keys(TRIGGERS)
    .filter(name => isTrigger(name))
    .map(trigger => ({
      trigger,
      shapes: shapesOf(trigger).map(shape => ({
        ...{ provenance: shape.provenance, date: shape.date, source: shape.source },
        about: itemTypesOf(shape),
      })),
    }))

/**
 * The payload that Box would send of a trigger: of now, about an item of the emulated Box, and from the webhook that is told of
 * it. Without an item its values are the shape's own.
 * @param trigger any trigger, also one that Box does not have
 * @param nth which of the trigger's shapes it has, from 0
 * @throws BoxRefusal (404) where there is no such item
 */
export function templateOf(
  { content, webhooks }: EmulatedBox,
  trigger: string,
  about: ItemReference | undefined,
  nth = 0,
): WireObject {
  const createdAt = boxTime(Date.now())
  if (!isTrigger(trigger)) return samplePayload(trigger, { createdAt })
  const shape = shapesOf(trigger)[nth] ?? shapeOf(trigger)
  if (about === undefined || itemTypesOf(shape).length === 0)
    return filled(shape.payload, { created_at: createdAt })
  const item = content.tree.item(about)
  const path = content.pathOf(about)
  const watching = [...webhooks.all.values()].filter(({ target }) =>
    path.some(({ type, id }) => type === target.type && id === target.id),
  )
  const told = watching.find(({ triggers }) => triggers.includes(trigger)) ?? watching[0]
  const happening = { source: wireItem(content, item), item: wireMini(item), by: content.owner }
  return payloadOf(shape, happening, { createdAt, ...(told ? { webhookId: told.id } : {}) })
}
