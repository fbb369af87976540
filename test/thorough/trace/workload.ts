import { createHash } from 'node:crypto'
import { samplePayload, type WireObject, wireBody } from '../../../local/box/payload.ts'

/** How many automations an event sets off, by the trigger that does: as many as the table of the trace has. */
const TRIGGERS_BY_RUNS = {
  0: 'FILE.LOCKED',
  1: 'FILE.UPLOADED',
  2: 'FILE.PREVIEWED',
  3: 'FILE.DOWNLOADED',
  5: 'FILE.COPIED',
  10: 'FILE.MOVED',
  20: 'FILE.RENAMED',
} as const satisfies Readonly<Record<number, string>>

export const RUNS: readonly number[] = Object.keys(TRIGGERS_BY_RUNS).map(Number)

/** The least bytes of the bodies that are measured; the first is as small as a file's events are. */
export const BODY_BYTES: readonly number[] = [1, 2048, 4096, 16_384, 65_536]

const AUTOMATIONS = Math.max(...RUNS)

/** Automations that call Box once, so many at each trigger. */
export function automationFiles(): Record<string, string> {
  const files = Array.from({ length: AUTOMATIONS }, (_, index) => {
    const number = String(index + 1).padStart(2, '0')
    const on = Object.entries(TRIGGERS_BY_RUNS).flatMap(([runs, trigger]) =>
      Number(runs) > index ? [trigger] : [],
    )
    const code = `import { automation } from 'boxhooks'

export default automation({
  name: 'measured-automation-${number}',
  on: ${JSON.stringify(on)},
  watch: { folder: '100001' },
  retry: { baseSeconds: 1, capSeconds: 1 },
  async run({ event, box }) {
    await box.files.updateFileById(event.source.id, { requestBody: { sharedLink: null } })
  },
})
`
    return [`measured-${number}.ts`, code]
  })
  return Object.fromEntries(files)
}

/**
 * An event that sets off so many automations.
 * @param runs one of {@link RUNS}
 * @param bytesMin the body has at least so many: Box's grow with the folders above an item
 */
export function eventOf(runs: number, bytesMin: number, number: number): WireObject {
  const trigger = Object.entries(TRIGGERS_BY_RUNS).find(([key]) => Number(key) === runs)?.[1]
  if (!trigger) throw new RangeError(`No trigger sets off ${runs} automations.`)
  const id = uuidOf(`event ${number}`)
  const entries: WireObject[] = [
    { type: 'folder', id: '0', sequence_id: null, etag: null, name: 'All Files' },
    { type: 'folder', id: '100001', sequence_id: '0', etag: '0', name: 'Review' },
  ]
  const build = () =>
    samplePayload(trigger, {
      id,
      source: { id: FILE_ID, path_collection: { total_count: entries.length, entries: [...entries] } },
    })
  while (wireBody(build()).length < bytesMin) entries.push(folderOf(entries.length))
  return build()
}

/** The file that every event is about. */
const FILE_ID = '73835521473'

function folderOf(number: number): WireObject {
  const digits = BigInt(`0x${createHash('sha256').update(`folder ${number}`).digest('hex').slice(0, 9)}`)
  return {
    type: 'folder',
    id: String(digits),
    sequence_id: '0',
    etag: '0',
    name: `Project ${digits % 10_000n}`,
  }
}

/** An id like Box's, and the same every time. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  )
}
