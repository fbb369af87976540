/** Only has to compile: what authors' editors show them. */
import { automation, skip } from '../../lib/automation.ts'
import type { BoxEvent, EventOf, Item } from '../../lib/event.ts'
import type { BoxFile, BoxFolder, Collaboration, SharedLinkOf } from '../../lib/resources.ts'

type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false
const holds = <T extends true>(..._: T[]) => {}

holds<Equal<EventOf<'FILE.DOWNLOADED'>['source'], BoxFile>>()
holds<Equal<EventOf<'SIGN_REQUEST.COMPLETED'>['source'], BoxFile>>()
holds<Equal<EventOf<'SHARED_LINK.CREATED'>['source'], SharedLinkOf>>()
holds<Equal<EventOf<'FILE.DOWNLOADED'>['item'], Item | undefined>>()
holds<Equal<BoxFile['name'], string | undefined>>()
holds<Equal<EventOf<'FILE.RENAMED'>['additionalInfo']['old_name'], string | undefined>>()
holds<Equal<EventOf<'FILE.LOCKED'>['additionalInfo']['old_name'], unknown>>()
holds<Equal<EventOf<'COLLABORATION.CREATED' | 'COLLABORATION.ACCEPTED'>['source'], Collaboration>>()

export function narrowed(event: BoxEvent): string | undefined {
  if (event.trigger === 'FILE.UPLOADED') return event.source.sha1
  if (event.trigger === 'COMMENT.CREATED') return event.source.message
  if (event.trigger === 'UNKNOWN') return event.triggerName
  return undefined
}

export const one = automation({
  name: 'one',
  on: ['FILE.UPLOADED', 'FOLDER.CREATED'],
  watch: [{ folder: '${A}' }, { folder: '1' }],
  settings: { B: 'something' },
  when(event, settings) {
    holds<Equal<typeof event.trigger, 'FILE.UPLOADED' | 'FOLDER.CREATED'>>()
    return settings.B === event.source.id || skip('another')
  },
  async run({ event, settings, box, step }) {
    if (event.trigger === 'FOLDER.CREATED') holds<Equal<typeof event.source, BoxFolder>>()
    // @ts-expect-error a setting that is not declared
    settings.C
    const size = await step('size', () => event.source.size ?? 0)
    holds<Equal<typeof size, number>>()
    if (event.item) await box.asUser('1').files.getFileById(event.item.id)
    // @ts-expect-error Box may leave out every field
    await box.files.getFileById(event.source.id)
  },
})

// @ts-expect-error a trigger that Box does not have
automation({ name: 'two', on: 'FILE.TELEPORTED', watch: { folder: '1' }, run() {} })
// @ts-expect-error an option that does not exist
automation({ name: 'three', on: 'FILE.LOCKED', watch: { folder: '1' }, retries: 3, run() {} })
