import { wireItem } from '../box/content.ts'
import type { EmulatedBox } from '../box/emulated-box.ts'
import type { Action } from './actions.ts'

/** What is done in the emulated Box, as a user of Box would do it. */
export function boxActions({ content }: EmulatedBox): Readonly<Record<string, Action>> {
  return {
    upload({ name = 'new file.txt', folder = '100001' }) {
      wireItem(content, content.uploadFile({ parentId: folder, name, content: `uploaded ${name}` }))
      return { message: 'Done.' }
    },
    share({ file = '' }) {
      content.updateFile(file, { sharedLink: { access: 'open' } })
      return { message: 'Done.' }
    },
    download({ file = '' }) {
      content.downloadFile(file)
      return { message: 'Done.' }
    },
  }
}

/** The emulated Box's state, for the page. */
export function boxView({ content, webhooks }: EmulatedBox): unknown {
  return {
    folders: [...content.folders.values()].map(({ id, name, parentId }) => ({ id, name, parentId })),
    files: [...content.files.values()]
      .filter(({ trashed }) => !trashed)
      .map(file => ({
        id: file.id,
        name: file.name,
        parentId: file.parentId,
        link: file.sharedLink?.url ?? null,
      })),
    collaborations: [...content.collaborations.values()].map(({ id, login, item }) => ({ id, login, item })),
    webhooks: [...webhooks.all.values()].map(({ id, target, triggers }) => ({ id, target, triggers })),
  }
}
