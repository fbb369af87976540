import { isTrigger, TRIGGERS, type Trigger } from '../../../lib/event/event.ts'
import type { ReconcileReport } from '../../../lib/webhooks/reconcile.ts'
import { DOINGS, doIn } from '../../box/actions/actions.ts'
import type { EmulatedBox } from '../../box/emulated-box.ts'
import type { Item } from '../../box/state/items.ts'
import type { BoxItem, BoxThing, BoxView, DoingView } from '../protocol.ts'
import type { Action, ActionInput } from './action.ts'
import { ActionRefused } from './action.ts'
import { isPaused } from './promises.ts'

/** What is done in the emulated Box, as a user of Box or its Developer Console would do it. */
export function boxActions(
  box: EmulatedBox,
  syncWebhooks: () => Promise<ReconcileReport | undefined>,
): Readonly<Record<string, Action>> {
  const { webhooks } = box
  return {
    do({ doing = '', id = '', ...fields }) {
      const told = whileListening(box, () => doIn(box, doing, id, fields))
      return { message: told || (DOINGS.find(({ name }) => name === doing)?.hint ?? 'Done.') }
    },
    'create-webhook'(input) {
      const { id } = webhooks.create(webhookIn(input))
      return { message: `The webhook ${id} is made.` }
    },
    'update-webhook'(input) {
      const { id } = webhooks.update(input.id ?? '', webhookIn(input))
      return {
        message: `The webhook ${id} is changed. What is declared otherwise is mended by “Sync webhooks”.`,
      }
    },
    'delete-webhook'({ id = '' }) {
      webhooks.delete(id)
      return {
        message: `The webhook ${id} is deleted, and nobody is told. “Sync webhooks” finds out, as boxhooks does each hour.`,
      }
    },
    async 'mend-webhooks'() {
      const report = await syncWebhooks()
      if (!report?.inStep)
        throw new ActionRefused('The webhooks could not all be made: npm start prints what is in the way.')
      const { create, update, delete: deleted } = report.counts
      const changes = create + update + deleted
      return {
        message:
          changes === 0
            ? 'The webhooks are those that the automations declare.'
            : `The webhooks are those that the automations declare again: ${create} made, ${update} changed, ${deleted} deleted.`,
      }
    },
    'reset-key'({ key: name = '' }) {
      if (name !== 'primary' && name !== 'secondary')
        throw new ActionRefused('Say which key is reset: primary or secondary.')
      const key = box.resetKey(name)
      return { message: `The ${name} key is reset. Deliveries are signed with the new one from now on.`, key }
    },
    async 'clean-up'({ id = '' }) {
      const { eventId } = await box.cleanUp(id)
      return { message: 'Box deleted the webhook and told its address so: boxhooks makes it anew.', eventId }
    },
  }
}

/** What Box tells of while something is done, and whether anybody asked for it; empty where nothing happened. */
function whileListening(box: EmulatedBox, act: () => void): string {
  const happened: { readonly trigger: string; readonly deliveries: number }[] = []
  const stop = box.on(notice => {
    if (notice.kind !== 'happening') return
    const { trigger } = notice.happening
    happened.push({ trigger, deliveries: box.webhooks.toldOf(notice.happening).length })
  })
  try {
    act()
  } finally {
    stop()
  }
  const named = (all: typeof happened) => [...new Set(all.map(({ trigger }) => trigger))].join(', ')
  const told = happened.filter(({ deliveries }) => deliveries > 0)
  const untold = happened.filter(({ deliveries }) => deliveries === 0)
  return [
    told.length > 0 ? `Box delivers ${named(told)}.` : '',
    untold.length > 0 ? `No webhook asks for ${named(untold)}, so nothing is delivered of that.` : '',
  ]
    .join(' ')
    .trim()
}

/** What a form for a webhook says: `target` as `folder:123`, triggers with commas. */
function webhookIn({ target = '', address = '', triggers = '' }: ActionInput) {
  const [type = '', id = ''] = target.split(':')
  return { target: { type, id }, address, triggers: triggers.split(',').filter(Boolean) }
}

/** Everything that can be done in the emulated Box, for the page's buttons and forms. */
export const doingViews = (): readonly DoingView[] =>
  DOINGS.map(({ name, label, on, fields, triggers, hint = '' }) => ({
    ...{ name, label, on, fields, triggers, hint },
  }))

/** The emulated Box's state, for the page. */
export function boxView(box: EmulatedBox): BoxView {
  const { content, webhooks } = box
  return {
    items: [...content.folders.values(), ...content.files.values()].map(itemView),
    things: thingsIn(box),
    webhooks: [...webhooks.all.values()].map(({ id, target, address, triggers }) => ({
      ...{ id, target, address, triggers },
    })),
    triggers: { file: triggersOn('file'), folder: triggersOn('folder') },
    paused: isPaused(box),
    notes: notesOn(box),
  }
}

const itemView = (item: Item): BoxItem => ({
  type: item.type,
  id: item.id,
  name: item.name,
  parentId: item.parentId ?? null,
  trashed: item.trashed,
  link: item.sharedLink?.url ?? null,
  notes: item.type === 'file' && item.lock ? [`locked by ${item.lock.by.name}`] : [],
})

function thingsIn({ content }: EmulatedBox): readonly BoxThing[] {
  return [...content.collaborations.values()].map(({ id, item, login, role, status }) => ({
    ...{ kind: 'collaboration', id, item, text: login },
    state: `${role}, ${status}`,
  }))
}

function triggersOn(target: 'file' | 'folder'): Trigger[] {
  const on = (name: Trigger): readonly string[] => TRIGGERS[name].targets
  return Object.keys(TRIGGERS)
    .filter(name => isTrigger(name))
    .filter(name => on(name).includes(target))
}

function notesOn({ sessionEnded, deliveries, faults }: EmulatedBox): readonly string[] {
  const due = faults.filter(({ times }) => times > 0).length
  return [
    ...(sessionEnded ? ['The app’s session has ended: events come without their payload.'] : []),
    ...(deliveries.held > 0 ? [`${deliveries.held} deliveries are kept back.`] : []),
    ...(due > 0 ? ['Box’s API is set to fail.'] : []),
    ...(deliveries.losing > 0 ? [`${deliveries.losing} attempts to deliver will get lost.`] : []),
    ...(deliveries.waiting > 0 ? [`${deliveries.waiting} deliveries wait to be tried again.`] : []),
  ]
}
