/** Only has to compile: what authors' editors show them. */
import {
  automation,
  type BoxEvent,
  type BoxFile,
  type BoxFolder,
  type Collaboration,
  type EventOf,
  type Item,
  type SharedLinkOf,
  skip,
} from 'boxhooks'

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

export const two = automation({
  name: 'two',
  on: 'FILE.UPLOADED',
  watch: { folder: '${REVIEW_FOLDER_ID}' },
  when(_, settings) {
    holds<Equal<typeof settings, Readonly<Record<'REVIEW_FOLDER_ID', string>>>>()
    // @ts-expect-error a setting that neither watch nor settings names
    return settings.ANOTHER !== ''
  },
  run({ settings }) {
    holds<Equal<typeof settings.REVIEW_FOLDER_ID, string>>()
    // @ts-expect-error a setting that neither watch nor settings names
    settings.ANOTHER
  },
})

export const three = automation({
  name: 'three',
  on: ['FILE.LOCKED', 'FILE.UNLOCKED'],
  watch: [{ folder: '${A}' }, { file: '${B}' }, { folder: '1' }, { file: 'x${C}-${D}' }],
  settings: { B: 'named in watch as well', E: 'something' },
  when: (event, settings) => settings.A + settings.B + settings.E === event.source.id,
  run({ event, settings }) {
    holds<Equal<typeof event.trigger, 'FILE.LOCKED' | 'FILE.UNLOCKED'>>()
    holds<Equal<keyof typeof settings, 'A' | 'B' | 'C' | 'D' | 'E'>>()
    // @ts-expect-error an id of a target that is not a setting
    settings['1']
  },
})

export const four = automation({
  name: 'four',
  on: 'FILE.LOCKED',
  watch: { file: '1' },
  run({ settings }) {
    holds<Equal<keyof typeof settings, never>>()
  },
})

const folderOfAStage: string = process.env.FOLDER ?? ''
export const five = automation({
  name: 'five',
  on: 'FILE.LOCKED',
  watch: { folder: folderOfAStage },
  run({ settings }) {
    // @ts-expect-error what is not written out names no setting
    settings.A
  },
})

// @ts-expect-error a target that is neither a folder nor a file
automation({ name: 'six', on: 'FILE.LOCKED', watch: { folders: '1' }, run() {} })
// @ts-expect-error a trigger that Box does not have
automation({ name: 'seven', on: 'FILE.TELEPORTED', watch: { folder: '1' }, run() {} })
// @ts-expect-error an option that does not exist
automation({ name: 'eight', on: 'FILE.LOCKED', watch: { folder: '1' }, retries: 3, run() {} })
