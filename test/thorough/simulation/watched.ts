import { type Target, TRIGGERS } from '../../../lib/event/event.ts'

/** What a webhook is set on: a folder, a folder in it, and a file in that. */
export type Place = 'outer' | 'inner' | 'file'

export const PLACES = ['outer', 'inner', 'file'] as const satisfies readonly Place[]

export const TARGETS: Readonly<Record<Place, Target>> = {
  outer: { type: 'folder', id: '100001' },
  inner: { type: 'folder', id: '100003' },
  file: { type: 'file', id: '69999' },
}

export const WEBHOOKS: Readonly<Record<Place, string>> = { outer: '5001', inner: '5002', file: '5003' }

/** What the webhook of an id is set on; undefined where there is no such webhook. */
export function targetOfWebhook(webhookId: string): Target | undefined {
  const place = PLACES.find(one => WEBHOOKS[one] === webhookId)
  return place && TARGETS[place]
}

/** Triggers whose payload shows where the item lies. */
const WITH_PATH = ['FILE.DOWNLOADED', 'FILE.UPLOADED', 'FILE.RENAMED', 'FILE.PREVIEWED'] as const

/** Triggers whose payload names the item and does not show where it lies. */
const WITHOUT_PATH = [
  'COMMENT.CREATED',
  'TASK_ASSIGNMENT.CREATED',
  'METADATA_INSTANCE.CREATED',
  'COLLABORATION.CREATED',
  'SIGN_REQUEST.COMPLETED',
] as const

export const SIMULATED_TRIGGERS = [...WITH_PATH, ...WITHOUT_PATH] as const
export type SimulatedTrigger = (typeof SIMULATED_TRIGGERS)[number]

/** Those that automations subscribed to from the first; FILE.PREVIEWED comes and nothing wants it. */
export const WANTED_WITH_PATH: readonly SimulatedTrigger[] = WITH_PATH.filter(
  trigger => trigger !== 'FILE.PREVIEWED',
)
export const WANTED_WITHOUT_PATH: readonly SimulatedTrigger[] = WITHOUT_PATH

/** Whether Box lets a webhook on such a place have a trigger. */
export function canWatch(place: Place, trigger: SimulatedTrigger): boolean {
  const targets: readonly string[] = TRIGGERS[trigger].targets
  return targets.includes(TARGETS[place].type)
}

/** What an event is about, and the places that it lies in or is itself. */
export type About = { readonly item: Target; readonly places: readonly Place[] }

/**
 * Says which item an event is about.
 * @param fileId an ordinary file
 * @param depth how deep it happens: 0 in the outer folder, 1 in the inner, 2 at the watched file
 */
export function aboutOf(trigger: SimulatedTrigger, fileId: string, depth: 0 | 1 | 2): About {
  const places = PLACES.slice(0, depth + 1)
  if (trigger === 'COLLABORATION.CREATED')
    return depth === 0
      ? { item: TARGETS.outer, places: ['outer'] }
      : { item: TARGETS.inner, places: ['outer', 'inner'] }
  // Nothing is uploaded onto a file, and a webhook on a file does not have the trigger.
  if (depth === 2 && trigger !== 'FILE.UPLOADED') return { item: TARGETS.file, places }
  return { item: { type: 'file', id: fileId }, places: PLACES.slice(0, Math.min(depth, 1) + 1) }
}
