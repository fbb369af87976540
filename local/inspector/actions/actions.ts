import type { Hono } from 'hono'
import { isObject } from '../../../lib/base/json.ts'
import type { ReconcileReport } from '../../../lib/webhooks/reconcile.ts'
import { BENDS } from '../../box/actions/scenarios.ts'
import type { EmulatedBox } from '../../box/emulated-box.ts'
import { BoxRefusal } from '../../box/state/content.ts'
import type { ItemReference } from '../../box/state/items.ts'
import { templateNames, templateOf } from '../templates.ts'
import { type Action, type ActionInput, ActionRefused } from './action.ts'
import { boxActions, boxView, doingViews } from './box-actions.ts'
import { type DeadLetterParts, deadLetterActions } from './dead-letter-actions.ts'
import { type EventParts, eventActions } from './event-actions.ts'
import { type PromiseParts, promises } from './promises.ts'

/** What the page's buttons act on. */
export type Acts = PromiseParts &
  EventParts &
  DeadLetterParts & {
    readonly box: EmulatedBox
    /** Makes the webhooks those that the automations declare, as the reconciliation does each hour. */
    readonly syncWebhooks: () => Promise<ReconcileReport | undefined>
  }

/** Everything that the page can do to the stack on this machine. */
export function actionRoutes(page: Hono, acts: Acts): void {
  const actions: Readonly<Record<string, Action>> = {
    ...boxActions(acts.box, acts.syncWebhooks),
    ...eventActions(acts),
    ...promises(acts),
    ...deadLetterActions(acts),
  }
  page.post('/_local/actions/:name', async c => {
    const name = c.req.param('name')
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined
    if (!action) return c.json({ message: 'There is no such action.' }, 404)
    const input = inputOf(await c.req.json().catch(() => ({})))
    try {
      return c.json(await action(input))
    } catch (error) {
      if (!(error instanceof BoxRefusal) && !(error instanceof ActionRefused)) throw error
      return c.json({ message: error.message }, 400)
    }
  })
  page.get('/_local/box', c => c.json(boxView(acts.box)))
  page.get('/_local/doings', c => c.json(doingViews()))
  page.get('/_local/templates', c => c.json(templateNames()))
  page.get('/_local/bends', c => c.json(Object.keys(BENDS)))
  page.get('/_local/templates/:trigger', c => {
    try {
      const { about, shape = '0' } = c.req.query()
      return c.json(templateOf(acts.box, c.req.param('trigger'), itemIn(about), Number(shape)))
    } catch (error) {
      if (!(error instanceof BoxRefusal)) throw error
      return c.json({ message: error.message }, 404)
    }
  })
}

/** What `file:1` or `folder:1` names. */
function itemIn(text = ''): ItemReference | undefined {
  const [, type, id] = /^(file|folder):(\d+)$/.exec(text) ?? []
  if (id === undefined) return undefined
  return { type: type === 'file' ? 'file' : 'folder', id }
}

/** Reads flat text; an object has no text of its own, and could throw where it is asked for one. */
function inputOf(json: unknown): ActionInput {
  const entries = Object.entries(isObject(json) ? json : {})
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === 'object' ? JSON.stringify(value) : String(value)]),
  )
}
