import { automation } from '../../../../lib/automation/automation.ts'

/** Fails in a way that may pass, once or twice, and then calls Box. */
export default automation({
  name: 'stumbles',
  on: 'FILE.DOWNLOADED',
  watch: { folder: '100001' },
  retry: { baseSeconds: 0.5, capSeconds: 2 },
  when: event => event.source.name?.includes('stumbles') ?? false,
  async run({ event, box, attempt, idempotencyKey }) {
    if (attempt <= 1 + (Number(event.item?.id) % 2)) throw new Error('stumbled')
    await box.files.updateFileById(event.item?.id ?? '', {
      requestBody: { sharedLink: null },
      headers: { extraHeaders: { 'effect-key': `${idempotencyKey}:call` } },
    })
  },
})
