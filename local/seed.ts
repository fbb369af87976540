import type { ManifestEntry } from '../infra/build/manifest.ts'
import type { Content } from './box/state/content.ts'

const INITIAL_FOLDERS = { review: '100001', archive: '100002' }

/** Something to begin with: the folders that the local stage's settings name, and a file with a shared link. */
export function seed(content: Content): void {
  content.createFolder({ id: INITIAL_FOLDERS.review, parentId: '0', name: 'Review' })
  content.createFolder({ id: INITIAL_FOLDERS.archive, parentId: INITIAL_FOLDERS.review, name: 'Archive' })
  const file = content.uploadFile({
    parentId: INITIAL_FOLDERS.review,
    name: 'contract.pdf',
    content: '%PDF-1.4 a contract',
  })
  content.updateFile(file.id, { sharedLink: { access: 'open' } })
  content.addUser({ id: '20001', name: 'Ellis Wiggins', login: 'ellis@elsewhere.example' })
  content.addUser({ id: '20002', name: 'Ada Byron', login: 'ada@example.com' })
}

/**
 * Adds to the emulated Box what automations watch and it lacks, so that each can have its webhook here: ids in automations
 * are those of the real Box.
 * @param env where the settings that a watched id names have their values
 */
export function addWatchedItems(
  content: Content,
  manifest: readonly ManifestEntry[],
  env: Readonly<Record<string, string>>,
): void {
  for (const { type, id: declared } of manifest.flatMap(({ watch }) => watch)) {
    const id = declared.replaceAll(/\$\{([^}]*)\}/g, (_, name: string) => env[name] ?? '')
    // What could not be a webhook's target is left for the reconciliation to tell of.
    const known = type === 'folder' ? content.folders : content.files
    if (!/^[1-9]\d*$/.test(id) || known.has(id)) continue
    if (type === 'folder') content.createFolder({ id, parentId: '0', name: `Folder ${id}` })
    else content.createFile({ id, parentId: '0', name: `File ${id}.txt`, content: `File ${id}` })
  }
}
