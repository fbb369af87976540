import type { Trigger } from '../../../lib/event/event.ts'
import type { Happening, ItemType } from '../state/items.ts'
import { filled, shapeOf } from './payload.ts'
import type { WireObject } from './shapes.ts'
import { isWireObject, type Shape, shapesOf } from './shapes.ts'

/** What the payloads of each group of triggers are about. */
const ABOUT: Readonly<Record<string, readonly ItemType[]>> = {
  FILE: ['file'],
  FOLDER: ['folder'],
  COLLABORATION: ['folder'],
  COMMENT: ['file'],
  METADATA_INSTANCE: ['file', 'folder'],
  SHARED_LINK: ['file', 'folder'],
  TASK_ASSIGNMENT: ['file'],
  SIGN_REQUEST: ['file'],
  DOCGEN_DOCUMENT_GENERATION_STARTED: ['file'],
  DOCGEN_DOCUMENT_GENERATION_SUCCEEDED: ['file'],
  DOCGEN_DOCUMENT_GENERATION_FAILED: ['file'],
  NO_ACTIVE_SESSION: ['file', 'folder'],
}

/** The triggers whose source names its item beside itself. */
const OF_AN_ITEM = /^(COLLABORATION|COMMENT|SHARED_LINK|TASK_ASSIGNMENT)\./

/** The types of item that a payload in this shape can be about; none where it names no item. */
export function itemTypesOf({ trigger, payload: { source } }: Shape): readonly ItemType[] {
  if (!isWireObject(source) || (OF_AN_ITEM.test(trigger) && !isWireObject(source.item))) return []
  if (trigger === 'NO_ACTIVE_SESSION') return ABOUT.NO_ACTIVE_SESSION ?? []
  const types = ABOUT[trigger.split('.')[0] ?? ''] ?? []
  const [named] = types.filter(type => type === source.type)
  return named ? [named] : types
}

/** The first shape of a trigger that can be about such an item. */
export const shapeAbout = (trigger: Trigger, type: ItemType): Shape =>
  shapesOf(trigger).find(shape => itemTypesOf(shape).includes(type)) ?? shapeOf(trigger)

/** What of a delivery is new each time; the shape's own where it is left out. */
export type EventFacts = {
  readonly id?: string
  /** RFC 3339, as Box writes it. */
  readonly createdAt?: string
  readonly webhookId?: string
}

/** The payload in which Box tells a webhook of something that happened: a shape of the corpus with what is known filled in. */
export function payloadOf(
  { payload }: Shape,
  happening: Pick<Happening, 'source' | 'item' | 'by' | 'additionalInfo'>,
  { id, createdAt, webhookId }: EventFacts,
): WireObject {
  const { by, additionalInfo } = happening
  const source = isWireObject(payload.source) ? payload.source : {}
  return filled(payload, {
    id,
    created_at: createdAt,
    webhook: webhookId === undefined ? undefined : { id: webhookId },
    created_by: by,
    source: sourceFacts(source, happening, createdAt),
    ...(additionalInfo ? { additional_info: additionalInfo } : {}),
  })
}

/** What is known of a source in this shape. */
function sourceFacts(
  shape: WireObject,
  { source, item, by }: Pick<Happening, 'source' | 'item' | 'by'>,
  now: string | undefined,
): WireObject {
  if ('$parent' in shape) return { $parent: `${item.type}_${item.id}` }
  if (!('item' in shape) || 'item' in source) return source
  const link = isWireObject(source.shared_link) ? source.shared_link : {}
  const made = { created_by: by, created_at: now, modified_at: now, assigned_by: by, assigned_at: now }
  return { ...made, ...link, item }
}
