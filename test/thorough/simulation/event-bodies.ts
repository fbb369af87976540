import type { WireObject } from '../../../local/box/events/shapes.ts'
import type { Random } from './random.ts'
import { type About, type SimulatedTrigger, TARGETS } from './watched.ts'

/** File names, which must not be in any log. */
export const FILE_NAME = 'canary-file-name'

const ROOT = { type: 'folder', id: '0', sequence_id: null, etag: null, name: 'All Files' }
const OUTER = { ...TARGETS.outer, sequence_id: '0', etag: '0', name: 'Outer' }
const INNER = { ...TARGETS.inner, sequence_id: '0', etag: '0', name: 'Inner' }

/**
 * What an event's `source` is, as far as the engine reads it; local/box/events/payloads.jsonl has each shape with its evidence. A comment,
 * a task, a collaboration and a metadata instance name their item and nothing above it.
 */
export function sourceOf(trigger: SimulatedTrigger, about: About, random: Random): WireObject {
  const { item, places } = about
  const { type, id } = item
  switch (trigger) {
    case 'COMMENT.CREATED':
      return { type: 'comment', id: '930001', item: { type, id } }
    case 'TASK_ASSIGNMENT.CREATED':
      return { type: 'task_assignment', id: '940001', item: { type, id, name: FILE_NAME } }
    case 'COLLABORATION.CREATED':
      return { type: 'collaboration', id: '950001', item: { type, id } }
    case 'METADATA_INSTANCE.CREATED':
      return { id: '960001', $type: 'invoice', $parent: `${type}_${id}` }
    case 'SIGN_REQUEST.COMPLETED':
      // Captured: the file. That it can be the request, as the API has it, is a guess from the API's description.
      return random.chance(0.5)
        ? fileOf(about, random)
        : {
            type: 'sign-request',
            id: '970001',
            source_files: [{ type, id }],
            parent_folder: { ...(places.includes('inner') ? TARGETS.inner : TARGETS.outer) },
          }
    default:
      return fileOf(about, random)
  }
}

/** The folders that an item lies in, the root first. */
export const pathOf = ({ places }: About) => (places.includes('inner') ? [ROOT, OUTER, INNER] : [ROOT, OUTER])

function fileOf(about: About, random: Random): WireObject {
  const { id } = about.item
  const path = pathOf(about)
  return {
    type: 'file',
    id,
    name: `${FILE_NAME} ü ${random.chance(0.1) ? '\u{1f600}' : ''}.pdf`,
    path_collection: { total_count: path.length, entries: path },
    parent: path.at(-1) ?? ROOT,
  }
}

/** Makes a body that Box would hardly send. */
export function unreadableBody(eventId: string, random: Random): Uint8Array {
  return Buffer.from(
    random.pick([
      `{"id":"${eventId}","type":"webhook_event"}`,
      `{"id":"${eventId}","trigger":"","source":null}`,
      `{"id":"${eventId}","trigger":7}`,
      `\u00ff\u0000${eventId}`,
    ]),
    'latin1',
  )
}
