import { describe, expect, test } from 'vitest'
import { automation, bindSettings, type Watch } from '../../../lib/automation/automation.ts'
import { concernedBy, targetsOf } from '../../../lib/automation/target.ts'
import { parseEvent, type Target, type Trigger } from '../../../lib/event/event.ts'
import { type PayloadOverrides, samplePayload, wireBody } from '../../../local/box/events/payload.ts'

const watching = (name: string, watch: Watch | Watch[], on: Trigger = 'FILE.DOWNLOADED') =>
  automation({ name, on, watch, run() {} })

/** Which automations an event concerns, and how often Box was asked about a webhook. */
async function concerned(
  automations: ReturnType<typeof watching>[],
  overrides: PayloadOverrides,
  webhooks: Record<string, Target> = {},
  trigger = 'FILE.DOWNLOADED',
) {
  const event = parseEvent(wireBody(samplePayload(trigger, overrides)), { eventId: 'e' })
  if (!event.ok) throw new Error(event.reason.message)
  let lookups = 0
  const deployed = bindSettings(automations, {})
  const concern = await targetsOf(event.event, deployed, async id => {
    lookups += 1
    return webhooks[id]
  })
  const names = concern.known
    ? concernedBy(event.event, deployed, concern.targets).map(one => one.automation.name)
    : 'unknown'
  return { names, lookups }
}

/** A file in folder 2, which lies in folder 1. */
const nested = {
  source: {
    id: '9',
    path_collection: {
      entries: [
        { type: 'folder', id: '1' },
        { type: 'folder', id: '2' },
      ],
    },
    parent: null,
  },
} as const

describe('which automations an event concerns', () => {
  const outer = watching('outer', { folder: '1' })
  const inner = watching('inner', { folder: '2' })
  const other = watching('other', { folder: '3' })
  const both = watching('both', [{ folder: '2' }, { folder: '3' }])

  test('those that watch what the webhook is set on, although another target is on the item’s path', async () => {
    const webhooks: Record<string, Target> = { 5001: { type: 'folder', id: '3' } }
    expect(await concerned([inner, other], nested, webhooks)).toEqual({ names: ['other'], lookups: 1 })
    expect(await concerned([both, other], nested, webhooks)).toEqual({ names: ['both', 'other'], lookups: 1 })
  })

  test.each([
    ['COMMENT.CREATED', { type: 'comment', id: '5', item: { type: 'file', id: '9' } }],
    ['TASK_ASSIGNMENT.CREATED', { type: 'task_assignment', id: '5', item: { type: 'file', id: '9' } }],
    ['METADATA_INSTANCE.CREATED', { id: 'm', $parent: 'file_9' }],
    ['SIGN_REQUEST.COMPLETED', { type: 'file', id: '9', parent: { type: 'folder', id: '2' } }],
  ] as const)(
    '%s names its item and not the folders above it: the webhook decides',
    async (trigger, source) => {
      const onFolder = watching('on-folder', { folder: '1' }, trigger)
      const onFile = watching('on-file', { file: '9' }, trigger)
      const webhooks: Record<string, Target> = {
        w1: { type: 'folder', id: '1' },
        w9: { type: 'file', id: '9' },
      }
      const through = (webhookId: string) =>
        concerned([onFolder, onFile], { source, webhookId }, webhooks, trigger)
      expect((await through('w1')).names).toEqual(['on-folder'])
      expect((await through('w9')).names).toEqual(['on-file'])
    },
  )

  test('with nested targets, those of the webhook that the event came through', async () => {
    const webhooks: Record<string, Target> = {
      w1: { type: 'folder', id: '1' },
      w2: { type: 'folder', id: '2' },
    }
    expect(await concerned([outer, inner, both], { ...nested, webhookId: 'w1' }, webhooks)).toEqual({
      names: ['outer'],
      lookups: 1,
    })
    expect(await concerned([outer, inner, both], { ...nested, webhookId: 'w2' }, webhooks)).toEqual({
      names: ['inner', 'both'],
      lookups: 1,
    })
  })

  test('of a webhook that somebody set by hand on something that no automation watches: none', async () => {
    const webhooks: Record<string, Target> = { hand: { type: 'folder', id: '77' } }
    const elsewhere = {
      source: { id: '8', path_collection: { entries: [] }, parent: null },
      webhookId: 'hand',
    }
    expect((await concerned([outer, inner], elsewhere, webhooks)).names).toEqual([])
  })

  test('when the webhook is gone: what the whole path shows, and nothing is guessed without one', async () => {
    const moved = { source: { id: '8', path_collection: { entries: [] }, parent: null } }
    expect((await concerned([outer, inner], nested)).names).toEqual(['outer', 'inner'])
    expect((await concerned([outer], moved)).names).toBe('unknown')
    expect((await concerned([outer, inner], moved)).names).toBe('unknown')
  })

  test('a file that is itself watched', async () => {
    const file = watching('file', { file: '9' })
    expect((await concerned([file, other], nested)).names).toEqual(['file'])
  })

  test('what Box sends unasked concerns all who asked for it', async () => {
    const gone = watching('gone', { folder: '1' }, 'WEBHOOK.DELETED')
    expect(await concerned([gone, outer], {}, {}, 'WEBHOOK.DELETED')).toEqual({ names: ['gone'], lookups: 0 })
    expect(await concerned([gone, outer], {}, {}, 'FILE.TELEPORTED')).toEqual({ names: [], lookups: 0 })
  })
})
