import { TRIGGERS, type Trigger } from '../../lib/event.ts'
import type { EmulatedBox } from '../box/emulated-box.ts'
import { type Action, type ActionInput, ActionRefused } from './actions.ts'
import { isPaused } from './promises.ts'
import type { BoxView, DoingView } from './protocol.ts'

/** What is done in the emulated Box, as a user of Box or its Developer Console would do it. */
export function boxActions(box: EmulatedBox): Readonly<Record<string, Action>> {
  const { content, webhooks } = box
  return {
    do({ doing = '', id = '' }) {
      if (doing === 'download-file') content.downloadFile(id)
      else if (doing === 'share-file') content.updateFile(id, { sharedLink: { access: 'open' } })
      else throw new ActionRefused(`There is nothing called ${doing} that could be done.`)
      return { message: 'Done.' }
    },
    'create-webhook'(input) {
      const { id } = webhooks.create(webhookIn(input))
      return { message: `The webhook ${id} is made.` }
    },
    'update-webhook'(input) {
      const { id } = webhooks.update(input.id ?? '', webhookIn(input))
      return {
        message: `The webhook ${id} is changed. boxhooks mends what it declares within the hour, or when you deploy.`,
      }
    },
    'delete-webhook'({ id = '' }) {
      webhooks.delete(id)
      return { message: `The webhook ${id} is deleted, and nobody was told.` }
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

const triggersOn = (target: 'file' | 'folder'): Trigger[] =>
  Object.entries(TRIGGERS).flatMap(([name, { targets }]: [string, { targets: readonly string[] }]) =>
    targets.includes(target) ? [name as Trigger] : [],
  )

export const DOINGS: readonly DoingView[] = []

/** The emulated Box's state, for the page. */
export function boxView(box: EmulatedBox): BoxView {
  const { content, webhooks } = box
  return {
    items: [...content.folders.values(), ...content.files.values()].map(
      ({ type, id, name, parentId, trashed, sharedLink }) => ({
        type,
        id,
        name,
        parentId: parentId ?? null,
        trashed,
        link: sharedLink?.url ?? null,
        notes: [],
      }),
    ),
    things: [...content.collaborations.values()].map(({ id, item, login, role, status }) => ({
      kind: 'collaboration',
      id,
      item,
      text: login,
      state: `${role}, ${status}`,
    })),
    webhooks: [...webhooks.all.values()].map(({ id, target, address, triggers }) => ({
      id,
      target,
      address,
      triggers,
    })),
    triggers: { file: triggersOn('file'), folder: triggersOn('folder') },
    paused: isPaused(box),
    notes: [],
  }
}
