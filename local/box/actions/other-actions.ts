import { isTrigger, TRIGGERS, type Trigger } from '../../../lib/event/event.ts'
import { itemTypesOf } from '../events/event-payload.ts'
import { shapesOf } from '../events/shapes.ts'
import type { ItemType } from '../state/items.ts'
import { invalidParameter } from '../state/refusal.ts'
import { choice, type Doing, text } from './action.ts'

const ROLES = ['editor', 'viewer', 'previewer', 'uploader', 'co-owner'] as const

/** What is not emulated: comments, metadata, tasks, signatures and generated documents. */
const NOT_EMULATED = /^(COMMENT|METADATA_INSTANCE|TASK_ASSIGNMENT|SIGN_REQUEST)\.|^DOCGEN_/

/** The triggers of what is not emulated that can be about such an item. */
const announced = (type: ItemType): readonly Trigger[] =>
  Object.keys(TRIGGERS)
    .filter(name => isTrigger(name))
    .filter(
      name => NOT_EMULATED.test(name) && shapesOf(name).some(shape => itemTypesOf(shape).includes(type)),
    )

/** Events about an item of which nothing else is emulated. */
export const ANNOUNCEMENTS: readonly Doing[] = (['file', 'folder'] as const).map(type => {
  const triggers = announced(type)
  return {
    name: `announce-on-${type}`,
    label: 'Send another event',
    on: type,
    fields: [choice('trigger', 'Trigger', triggers)],
    triggers,
    hint: 'Comments, metadata, tasks, signatures and generated documents are not emulated: Box sends the event, in the shape that docs/payloads.md has, and nothing changes.',
    act({ content }, id, { trigger = '' }) {
      const known = triggers.find(name => name === trigger)
      if (!known) throw invalidParameter('trigger', `Invalid value '${trigger}'`)
      content.announce(known, { type, id })
    },
  }
})

/** Who else may see a folder. */
export const COLLABORATION_DOINGS: readonly Doing[] = [
  {
    name: 'invite',
    label: 'Invite',
    on: 'folder',
    fields: [text('login', 'Whom', 'ellis@elsewhere.example'), choice('role', 'As', ROLES)],
    triggers: ['COLLABORATION.CREATED', 'COLLABORATION.ACCEPTED'],
    act: ({ content }, id, { login = '', role = 'editor' }) => {
      if (!login.includes('@')) throw invalidParameter('login', 'It must be an address')
      return content.addCollaboration({ item: { type: 'folder', id }, login, role })
    },
  },
  {
    name: 'accept-invitation',
    label: 'Accept',
    on: 'collaboration',
    fields: [],
    triggers: ['COLLABORATION.ACCEPTED'],
    act: ({ content }, id) => content.answerInvitation(id, 'accepted'),
  },
  {
    name: 'reject-invitation',
    label: 'Reject',
    on: 'collaboration',
    fields: [],
    triggers: ['COLLABORATION.REJECTED'],
    act: ({ content }, id) => content.answerInvitation(id, 'rejected'),
  },
  {
    name: 'change-role',
    label: 'Change the role',
    on: 'collaboration',
    fields: [choice('role', 'Role', ROLES)],
    triggers: ['COLLABORATION.UPDATED'],
    act: ({ content }, id, { role = 'editor' }) => content.updateCollaboration(id, { role }),
  },
  {
    name: 'remove-collaboration',
    label: 'Remove',
    on: 'collaboration',
    fields: [],
    triggers: ['COLLABORATION.REMOVED'],
    act: ({ content }, id) => content.removeCollaboration(id),
  },
]
