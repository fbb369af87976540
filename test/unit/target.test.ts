import { describe, expect, test } from 'vitest'
import { automation, bindSettings, type Watch } from '../../lib/automation.ts'
import { parseEvent, type Target, type Trigger } from '../../lib/event.ts'
import { concernedBy, targetsOf } from '../../lib/target.ts'
import { type PayloadOverrides, samplePayload, wireBody } from '../../local/box/payload.ts'

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

  test('those whose one watched target is on the item’s path, without asking Box', async () => {
    expect(await concerned([inner, other], nested)).toEqual({ names: ['inner'], lookups: 0 })
    expect(await concerned([both, other], nested)).toEqual({ names: ['both'], lookups: 0 })
  })

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

  test('when the webhook is gone: what the path shows, or the only target there is', async () => {
    const moved = { source: { id: '8', path_collection: { entries: [] }, parent: null } }
    expect((await concerned([outer, inner], nested)).names).toEqual(['outer', 'inner'])
    expect((await concerned([outer], moved)).names).toEqual(['outer'])
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
