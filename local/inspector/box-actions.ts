import { isTrigger, TRIGGERS, type Trigger } from '../../lib/event.ts'
import { DOINGS, doIn } from '../box/doings.ts'
import type { EmulatedBox } from '../box/emulated-box.ts'
import type { Item } from '../box/items.ts'
import { type Action, type ActionInput, ActionRefused } from './actions.ts'
import { isPaused } from './promises.ts'
import type { BoxItem, BoxThing, BoxView, DoingView } from './protocol.ts'

/** What is done in the emulated Box, as a user of Box or its Developer Console would do it. */
export function boxActions(box: EmulatedBox): Readonly<Record<string, Action>> {
  const { webhooks } = box
  return {
    do({ doing = '', id = '', ...fields }) {
      doIn(box, doing, id, fields)
      return { message: 'Done.' }
    },
    'create-webhook'(input) {
      const { id } = webhooks.create(webhookIn(input))
      return { message: `The webhook ${id} is made.` }
    },
    'update-webhook'(input) {
      const { id } = webhooks.update(input.id ?? '', webhookIn(input))
      return {
        message: `The webhook ${id} is changed. What is declared otherwise is mended when an automation changes, or by npx boxhooks webhooks apply --local.`,
      }
    },
    'delete-webhook'({ id = '' }) {
      webhooks.delete(id)
      return {
        message: `The webhook ${id} is deleted, and nobody is told. npx boxhooks webhooks apply --local makes what is declared anew.`,
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

/** What a form for a webhook says: `target` as `folder:123`, triggers with commas. */
function webhookIn({ target = '', address = '', triggers = '' }: ActionInput) {
  const [type = '', id = ''] = target.split(':')
  return { target: { type, id }, address, triggers: triggers.split(',').filter(Boolean) }
}

/** Everything that can be done in the emulated Box, for the page's buttons and forms. */
export const doingViews = (): readonly DoingView[] =>
  DOINGS.map(({ name, label, on, fields, triggers }) => ({ name, label, on, fields, triggers }))

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
  const { collaborations, comments, metadata, tasks, signRequests } = content
  const onFile = (id: string) => ({ type: 'file', id }) as const
  return [
    ...[...collaborations.values()].map(({ id, item, login, role, status }) => ({
      ...{ kind: 'collaboration', id, item, text: login },
      state: `${role}, ${status}`,
    })),
    ...[...comments.all.values()].map(({ id, fileId, message, createdBy }) => ({
      ...{ kind: 'comment', id, item: onFile(fileId), text: message },
      state: `by ${createdBy.name}`,
    })),
    ...[...metadata.all.values()].map(({ id, item, template, values }) => ({
      ...{ kind: 'metadata', id, item, text: template },
      state: JSON.stringify(values),
    })),
    ...[...tasks.assignments.values()].map(({ id, taskId, assignedTo, message, resolution }) => ({
      kind: 'task_assignment',
      id,
      item: onFile(tasks.all.get(taskId)?.fileId ?? ''),
      text: `${message} (${assignedTo.name})`,
      state: resolution,
    })),
    ...[...signRequests.all.values()].map(({ id, fileIds, name, status }) => ({
      ...{ kind: 'sign_request', id, item: onFile(fileIds[0] ?? ''), text: name },
      state: status,
    })),
  ]
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
  ]
}
