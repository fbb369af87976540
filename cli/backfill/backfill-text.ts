import type { BackfillReport } from '../../lib/backfill/backfill-request.ts'
import { type TriggerCounts, totalOf } from '../../lib/backfill/progress.ts'
import { count } from '../terminal/progress.ts'
import { table } from '../terminal/table.ts'

const COLUMNS: readonly (keyof TriggerCounts)[] = [
  'read',
  'notCovered',
  'seen',
  'before',
  'queued',
  'unclear',
]

/**
 * Formats what a backfill found and did, for people.
 * @param queued the heading of what webhooks had not brought
 */
export function backfillText(report: BackfillReport, queued: 'QUEUED' | 'TO BE QUEUED'): string {
  const { since, until, stream, counts, unclear, lost } = report
  const rows = Object.entries(counts).sort()
  const heads = ['TRIGGER', 'IN THE STREAM', 'NOT COVERED', 'SEEN', 'BACKFILLED BEFORE', queued, 'UNKNOWN']
  const cells = (values: TriggerCounts) => COLUMNS.map(column => count(values[column]))
  const found =
    rows.length === 0
      ? ['The stream has no event that an automation is on.']
      : [
          table([
            heads,
            ...rows.map(([trigger, values]) => [trigger, ...cells(values)]),
            ...(rows.length > 1 ? [['all', ...cells(totalOf(counts))]] : []),
          ]),
        ]
  const parts = [`From ${since} to ${until}, by the stream ${stream}:`, ...found]
  if (unclear.length > 0) parts.push(unclearText(report))
  if (lost.length > 0)
    parts.push(
      [
        'Not in this stream, though automations are on it:',
        ...lost.map(one => `  ${one.trigger}: ${one.reason}`),
      ].join('\n'),
    )
  return parts.join('\n\n')
}

function unclearText({ unclear, counts }: BackfillReport): string {
  const all = totalOf(counts).unclear
  const lines = unclear.map(one => [one.createdAt, one.eventType, one.item || '(not named)', one.eventId])
  const head =
    'It is unknown whether these were in a watched folder: the item or its folder is deleted, or hidden from the app.'
  return [
    head,
    table([['WHEN', 'WHAT', 'ITEM', 'EVENT OF THE STREAM'], ...lines]),
    ...(all > unclear.length ? [`and ${count(all - unclear.length)} more`] : []),
  ].join('\n')
}
