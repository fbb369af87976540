import { automation } from '../../../../lib/automation/automation.ts'

/** One call to Box, at every file. */
export default automation({
  name: 'single',
  on: 'FILE.DOWNLOADED',
  watch: { folder: '100001' },
  retry: { baseSeconds: 0.5, capSeconds: 2 },
  async run({ event, box, idempotencyKey }) {
    await box.files.updateFileById(event.item?.id ?? '', {
      requestBody: { sharedLink: null },
      headers: { extraHeaders: { 'effect-key': `${idempotencyKey}:call` } },
    })
  },
})
