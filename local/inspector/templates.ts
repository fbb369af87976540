import { isTrigger, TRIGGERS } from '../../lib/event.ts'
import type { Sources } from '../../lib/resources.ts'
import type { EmulatedBox } from '../box/emulated-box.ts'
import type { Item, ItemReference, ItemType } from '../box/items.ts'
import { samplePayload, type WireObject } from '../box/payload.ts'
import { boxTime, wireItem, wireMini } from '../box/wire.ts'
import type { TemplateName } from './protocol.ts'

/** What a source of each kind can be about. */
const ABOUT: Readonly<Record<keyof Sources, readonly ItemType[]>> = {
  file: ['file'],
  folder: ['folder'],
  shared_link: ['file', 'folder'],
  comment: ['file'],
  collaboration: ['folder'],
  task_assignment: ['file'],
  metadata: ['file', 'folder'],
  webhook: [],
  open: ['file'],
}

/** Every trigger that there is, with what it can be about. */
export const templateNames = (): readonly TemplateName[] =>
  Object.entries(TRIGGERS).map(([trigger, { source }]) => ({ trigger, about: ABOUT[source] }))

/**
 * The payload that Box would send of a trigger: of now, about an item of the emulated Box, and from the webhook that is told of
 * it. Without an item it is a sample.
 * @param trigger any trigger, also one that Box does not have
 * @throws BoxRefusal (404) where there is no such item
 */
export function templateOf(box: EmulatedBox, trigger: string, about: ItemReference | undefined): WireObject {
  const { content, webhooks } = box
  const createdAt = boxTime(Date.now())
  if (about === undefined || !isTrigger(trigger)) return samplePayload(trigger, { createdAt })
  const item = about.type === 'file' ? content.file(about.id) : content.folder(about.id)
  const path = content.pathOf(about)
  const watching = [...webhooks.all.values()].filter(({ target }) =>
    path.some(({ type, id }) => type === target.type && id === target.id),
  )
  const told = watching.find(({ triggers }) => triggers.includes(trigger)) ?? watching[0]
  const source = sourceAbout(box, TRIGGERS[trigger].source, item)
  const payload = samplePayload(trigger, {
    createdAt,
    createdBy: content.owner,
    source,
    ...(told ? { webhookId: told.id } : {}),
  })
  // Without a session Box tells of the item in short, whatever happened to it.
  return trigger === 'NO_ACTIVE_SESSION' ? { ...payload, source } : payload
}

/** What a source says of the item that it is about. */
function sourceAbout({ content }: EmulatedBox, kind: keyof Sources, item: Item): WireObject {
  const mini = wireMini(item)
  if (kind === 'file' || kind === 'folder') return wireItem(content, item)
  if (kind === 'open') return mini
  if (kind === 'metadata') return { $parent: `${item.type}_${item.id}` }
  if (kind === 'webhook') return {}
  return { item: mini }
}
