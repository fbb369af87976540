import { parseObject } from '../../lib/json.ts'
import { choice, type Doing, nameIn, text } from './doing.ts'
import { invalidParameter } from './refusal.ts'

const ROLES = ['editor', 'viewer', 'previewer', 'uploader', 'co-owner'] as const

/** Comments, tasks and metadata. */
export const BESIDE_FILES: readonly Doing[] = [
  {
    name: 'comment',
    label: 'Comment',
    on: 'file',
    fields: [text('message', 'Comment', 'These tigers are cool!')],
    triggers: ['COMMENT.CREATED'],
    act: ({ content }, id, { message = '' }) => content.comments.create({ type: 'file', id }, message),
  },
  {
    name: 'update-comment',
    label: 'Change',
    on: 'comment',
    fields: [text('message', 'Comment')],
    triggers: ['COMMENT.UPDATED'],
    act: ({ content }, id, { message = '' }) => content.comments.update(id, message),
  },
  {
    name: 'reply',
    label: 'Reply',
    on: 'comment',
    fields: [text('message', 'Reply')],
    triggers: ['COMMENT.CREATED'],
    act: ({ content }, id, { message = '' }) => content.comments.create({ type: 'comment', id }, message),
  },
  {
    name: 'delete-comment',
    label: 'Delete',
    on: 'comment',
    fields: [],
    triggers: ['COMMENT.DELETED'],
    act: ({ content }, id) => content.comments.delete(id),
  },
  {
    name: 'assign-task',
    label: 'Give a task',
    on: 'file',
    fields: [
      text('login', 'To whom', 'ada@example.com'),
      choice('action', 'To do what', ['review', 'complete']),
      text('message', 'Message', 'Please review'),
    ],
    triggers: ['TASK_ASSIGNMENT.CREATED'],
    act({ content }, fileId, { login = '', action, message = '' }) {
      const kind = action === 'complete' ? 'complete' : 'review'
      const { id } = content.tasks.create({ fileId, action: kind, message })
      return content.tasks.assign(id, { login })
    },
  },
  {
    name: 'finish-task',
    label: 'Finish',
    on: 'task_assignment',
    fields: [],
    triggers: ['TASK_ASSIGNMENT.UPDATED'],
    act({ content: { tasks } }, id) {
      const { action } = tasks.get(tasks.assignment(id).taskId)
      return tasks.resolve(id, { resolution: action === 'complete' ? 'completed' : 'approved' })
    },
  },
  {
    name: 'reject-task',
    label: 'Reject',
    on: 'task_assignment',
    fields: [],
    triggers: ['TASK_ASSIGNMENT.UPDATED'],
    act: ({ content }, id) => content.tasks.resolve(id, { resolution: 'rejected' }),
  },
  {
    name: 'update-metadata',
    label: 'Change',
    on: 'metadata',
    fields: [text('field', 'Field', 'status'), text('value', 'Value', 'final')],
    triggers: ['METADATA_INSTANCE.UPDATED'],
    act({ content: { metadata } }, id, { field = '', value = '' }) {
      const { item, ...reference } = metadata.byId(id)
      return metadata.update(item, reference, [{ op: 'add', path: `/${field}`, value }])
    },
  },
  {
    name: 'delete-metadata',
    label: 'Delete',
    on: 'metadata',
    fields: [],
    triggers: ['METADATA_INSTANCE.DELETED'],
    act({ content: { metadata } }, id) {
      const { item, ...reference } = metadata.byId(id)
      return metadata.delete(item, reference)
    },
  },
  ...(['file', 'folder'] as const).map(
    (on): Doing => ({
      name: `add-metadata-to-${on}`,
      label: 'Add metadata',
      on,
      fields: [
        text('template', 'Template', 'properties'),
        { name: 'values', label: 'Values', kind: 'json', usual: '{"status": "draft"}' },
      ],
      triggers: ['METADATA_INSTANCE.CREATED'],
      act({ content }, id, { template = '', values = '' }) {
        const json = parseObject(values)
        if (!json) throw invalidParameter('values', 'The values must be a JSON object')
        return content.metadata.create({ type: on, id }, { scope: 'global', template }, json)
      },
    }),
  ),
]

/** Signatures and generated documents. */
export const DOCUMENT_DOINGS: readonly Doing[] = [
  {
    name: 'request-signature',
    label: 'Ask for signatures',
    on: 'file',
    fields: [text('signers', 'Signers, with commas', 'signer@example.com')],
    triggers: ['SIGN_REQUEST.SIGN_DOCUMENT_CREATED'],
    act: ({ content }, id, { signers = '' }) =>
      content.signRequests.create({
        fileIds: [id],
        signers: signers
          .split(',')
          .map(one => one.trim())
          .filter(Boolean),
      }),
  },
  ...(
    [
      ['sign', 'Sign', ['SIGN_REQUEST.SIGN_SIGNER_SIGNED', 'SIGN_REQUEST.COMPLETED']],
      ['decline', 'Decline', ['SIGN_REQUEST.DECLINED']],
      ['expire', 'Let it expire', ['SIGN_REQUEST.EXPIRED']],
      ['bounce', 'Bounce the mail', ['SIGN_REQUEST.SIGNER_EMAIL_BOUNCED']],
      ['failFinalizing', 'Fail to finalize', ['SIGN_REQUEST.SIGN_ERROR_FINALIZING']],
      ['cancel', 'Cancel', []],
    ] as const
  ).map(
    ([method, label, triggers]): Doing => ({
      name: `sign-request-${method.toLowerCase()}`,
      label,
      on: 'sign_request',
      fields: [],
      triggers,
      act: ({ content }, id) => content.signRequests[method](id),
    }),
  ),
  {
    name: 'generate-document',
    label: 'Generate a document',
    on: 'file',
    fields: [text('name', 'Its name', 'generated.pdf')],
    triggers: ['DOCGEN_DOCUMENT_GENERATION_STARTED', 'DOCGEN_DOCUMENT_GENERATION_SUCCEEDED', 'FILE.UPLOADED'],
    act: ({ content }, id, fields) => content.documents.generate(id, nameIn(fields)),
  },
  {
    name: 'fail-document',
    label: 'Fail to generate',
    on: 'file',
    fields: [],
    triggers: ['DOCGEN_DOCUMENT_GENERATION_STARTED', 'DOCGEN_DOCUMENT_GENERATION_FAILED'],
    act: ({ content }, id) => content.documents.fail(id),
  },
]

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
