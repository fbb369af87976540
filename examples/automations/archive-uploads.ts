import { extname } from 'node:path'
import { automation, type Box, isBoxError, PermanentError, pathOf, skip } from 'boxhooks'

/** Every uploaded file is copied to the archive folder with its date in the name; the archive itself is left alone. */
export default automation({
  name: 'archive-uploads',
  on: 'FILE.UPLOADED',
  watch: { folder: '${REVIEW_FOLDER_ID}' },
  settings: { ARCHIVE_FOLDER_ID: 'The folder that the copies go to; it may lie in the watched one.' },
  when(event, { ARCHIVE_FOLDER_ID }) {
    const archived = pathOf(event).some(({ type, id }) => type === 'folder' && id === ARCHIVE_FOLDER_ID)
    return !archived || skip('The file lies in the archive.')
  },
  async run({ event, box, settings, log }) {
    const { sha1, file_version: version } = event.source
    if (!event.item) throw new PermanentError('The event does not say which file it is about.')
    const { id, name = id } = event.item
    const [date = ''] = event.createdAt.split('T')
    const names = [dated(name, date), dated(name, `${date} ${version?.id ?? event.id}`)]
    for (const copyName of names) {
      const made = await copy(box, id, settings.ARCHIVE_FOLDER_ID, copyName)
      if (made === 'made') return log.info('archived')
      if (made === 'gone') return log.warn('the file was gone before it could be archived')
      if (sha1 && made.sha1 === sha1) return log.info('archived before')
    }
    throw new PermanentError(
      `The archive folder has other files under both names that the copy of file ${id} could take. Rename or move them, then redrive.`,
    )
  },
})

/** `contract.pdf` → `contract 2026-11-23.pdf` */
function dated(name: string, date: string): string {
  const extension = extname(name)
  return `${name.slice(0, name.length - extension.length)} ${date}${extension}`
}

/** Copies the file; where the name is taken, tells by which content. */
async function copy(
  box: Box,
  fileId: string,
  folderId: string,
  name: string,
): Promise<'made' | 'gone' | { sha1: string | undefined }> {
  try {
    await box.files.copyFile(fileId, { parent: { id: folderId }, name })
    return 'made'
  } catch (error) {
    if (isBoxError(error, 404)) return 'gone'
    if (isBoxError(error, 409, 'item_name_in_use')) return { sha1: conflictingSha1(error.contextInfo) }
    throw error
  }
}

/** A name conflict comes with the item that has the name, or a list of such. */
function conflictingSha1({ conflicts }: Readonly<Record<string, unknown>>): string | undefined {
  const [first]: unknown[] = Array.isArray(conflicts) ? conflicts : [conflicts]
  const sha1: unknown = first instanceof Object ? Reflect.get(first, 'sha1') : undefined
  return typeof sha1 === 'string' ? sha1 : undefined
}
