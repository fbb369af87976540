import type { EmulatedBox } from '../emulated-box.ts'
import type { Access } from '../state/items.ts'
import { invalidParameter } from '../state/refusal.ts'
import { choice, type Doing, folder, NAME, nameIn, text } from './action.ts'

const ACCESS: readonly Access[] = ['open', 'company', 'collaborators']
/** Shared links are made, changed and removed in the same way on files and folders. */
function linkDoings(on: 'file' | 'folder'): readonly Doing[] {
  const update = (box: EmulatedBox, id: string, sharedLink: { access: Access } | null) =>
    on === 'file' ? box.content.updateFile(id, { sharedLink }) : box.content.updateFolder(id, { sharedLink })
  return [
    {
      name: `share-${on}`,
      label: 'Share',
      on,
      fields: [choice('access', 'Who may open the link', ACCESS)],
      triggers: ['SHARED_LINK.CREATED', 'SHARED_LINK.UPDATED'],
      act: (box, id, { access }) => update(box, id, { access: accessIn(access) }),
    },
    {
      name: `unshare-${on}`,
      label: 'Remove the link',
      on,
      fields: [],
      triggers: ['SHARED_LINK.DELETED'],
      act: (box, id) => update(box, id, null),
    },
  ]
}

const accessIn = (access = 'open'): Access => {
  const known = ACCESS.find(one => one === access)
  if (!known) throw invalidParameter('access', `Invalid value '${access}'`)
  return known
}

/** What is done to files. */
export const FILE_DOINGS: readonly Doing[] = [
  {
    name: 'download-file',
    label: 'Download',
    on: 'file',
    fields: [],
    triggers: ['FILE.DOWNLOADED'],
    act: ({ content }, id) => content.downloadFile(id),
  },
  {
    name: 'preview-file',
    label: 'Preview',
    on: 'file',
    fields: [],
    triggers: ['FILE.PREVIEWED'],
    act: ({ content }, id) => content.previewFile(id),
  },
  {
    name: 'upload-version',
    label: 'Upload a version',
    on: 'file',
    fields: [text('content', 'Content', 'a new version')],
    triggers: ['FILE.UPLOADED'],
    act: ({ content }, id, { content: bytes = '' }) => content.uploadVersion(id, bytes),
  },
  {
    name: 'rename-file',
    label: 'Rename',
    on: 'file',
    fields: [NAME],
    triggers: ['FILE.RENAMED'],
    act: ({ content }, id, fields) => content.updateFile(id, { name: nameIn(fields) }),
  },
  {
    name: 'move-file',
    label: 'Move',
    on: 'file',
    fields: [folder],
    triggers: ['FILE.MOVED', 'FILE.UPLOADED'],
    act: ({ content }, id, { folder: parentId = '' }) => content.updateFile(id, { parentId }),
  },
  {
    name: 'copy-file',
    label: 'Copy',
    on: 'file',
    fields: [folder, text('name', 'Name, where it is another')],
    triggers: ['FILE.COPIED', 'FILE.UPLOADED'],
    act: ({ content }, id, { folder: parentId = '', name }) =>
      content.copyFile(id, { parentId, name: name || undefined }),
  },
  {
    name: 'lock-file',
    label: 'Lock',
    on: 'file',
    fields: [],
    triggers: ['FILE.LOCKED'],
    act: ({ content }, id) => content.lockFile(id, {}),
  },
  {
    name: 'unlock-file',
    label: 'Unlock',
    on: 'file',
    fields: [],
    triggers: ['FILE.UNLOCKED'],
    act: ({ content }, id) => content.unlockFile(id),
  },
  {
    name: 'trash-file',
    label: 'Trash',
    on: 'file',
    fields: [],
    triggers: ['FILE.TRASHED'],
    act: ({ content }, id) => content.trashFile(id),
  },
  ...linkDoings('file'),
]

/** What is done in folders and to them. */
export const FOLDER_DOINGS: readonly Doing[] = [
  {
    name: 'upload-file',
    label: 'Upload a file',
    on: 'folder',
    fields: [text('name', 'Name', 'report.txt'), text('content', 'Content', 'a report')],
    triggers: ['FILE.UPLOADED'],
    act: ({ content }, parentId, fields) =>
      content.uploadFile({ parentId, name: nameIn(fields), content: fields.content ?? '' }),
  },
  {
    name: 'create-folder',
    label: 'Create a folder',
    on: 'folder',
    fields: [NAME],
    triggers: ['FOLDER.CREATED'],
    act: ({ content }, parentId, fields) => content.createFolder({ parentId, name: nameIn(fields) }),
  },
  {
    name: 'rename-folder',
    label: 'Rename',
    on: 'folder',
    fields: [NAME],
    triggers: ['FOLDER.RENAMED'],
    act: ({ content }, id, fields) => content.updateFolder(id, { name: nameIn(fields) }),
  },
  {
    name: 'move-folder',
    label: 'Move',
    on: 'folder',
    fields: [folder],
    triggers: ['FOLDER.MOVED'],
    act: ({ content }, id, { folder: parentId = '' }) => content.updateFolder(id, { parentId }),
  },
  {
    name: 'copy-folder',
    label: 'Copy',
    on: 'folder',
    fields: [folder, text('name', 'Name, where it is another')],
    triggers: ['FOLDER.COPIED'],
    act: ({ content }, id, { folder: parentId = '', name }) =>
      content.copyFolder(id, { parentId, name: name || undefined }),
  },
  {
    name: 'download-folder',
    label: 'Download',
    on: 'folder',
    fields: [],
    triggers: ['FOLDER.DOWNLOADED'],
    act: ({ content }, id) => content.downloadFolder(id),
  },
  {
    name: 'trash-folder',
    label: 'Trash',
    on: 'folder',
    fields: [],
    triggers: ['FOLDER.TRASHED'],
    act: ({ content }, id) => content.trashFolder(id),
  },
  ...linkDoings('folder'),
]

/** What is done to what lies in the trash. */
export const TRASH_DOINGS: readonly Doing[] = (['file', 'folder'] as const).flatMap(
  (type): readonly Doing[] => [
    {
      name: `restore-${type}`,
      label: 'Restore',
      on: `trashed_${type}`,
      fields: [],
      triggers: [type === 'file' ? 'FILE.RESTORED' : 'FOLDER.RESTORED'],
      act: ({ content }, id) => content.restore({ type, id }),
    },
    {
      name: `delete-${type}`,
      label: 'Delete for good',
      on: `trashed_${type}`,
      fields: [],
      triggers: [type === 'file' ? 'FILE.DELETED' : 'FOLDER.DELETED'],
      act: ({ content }, id) => content.purge({ type, id }),
    },
  ],
)
