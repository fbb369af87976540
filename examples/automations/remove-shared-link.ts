import { automation, isBoxError } from 'boxhooks'

/** A file that has been downloaded through its shared link needs no link any more. */
export default automation({
  name: 'remove-shared-link-after-download',
  on: 'FILE.DOWNLOADED',
  watch: { folder: '${REVIEW_FOLDER_ID}' },
  async run({ event: { item }, box, log }) {
    try {
      if (item) await box.files.updateFileById(item.id, { requestBody: { sharedLink: null } })
    } catch (error) {
      if (!isBoxError(error, 404)) throw error
      log.info('the file is gone, and its shared link with it')
    }
  },
})
