import { automation } from '../../../../lib/automation/automation.ts'

/** Three steps, each with a call to Box. */
export default automation({
  name: 'three-steps',
  on: 'FILE.DOWNLOADED',
  watch: { folder: '100001' },
  retry: { baseSeconds: 0.5, capSeconds: 2 },
  when: event => event.source.name?.includes('steps') ?? false,
  async run({ event, box, step, idempotencyKey }) {
    const names: string[] = []
    for (const part of ['first', 'second', 'third']) {
      const name = await step(part, async () => {
        const file = await box.files.updateFileById(event.item?.id ?? '', {
          requestBody: { name: `${event.source.name}.${part}` },
          headers: { extraHeaders: { 'effect-key': `${idempotencyKey}:${part}` } },
        })
        return file.name
      })
      names.push(name ?? '')
    }
    // What a kept step gives back is what it gave at first.
    if (names.some((name, index) => !name.endsWith(['first', 'second', 'third'][index] ?? '')))
      throw new TypeError(`The steps gave back ${names.join(', ')}.`)
  },
})
