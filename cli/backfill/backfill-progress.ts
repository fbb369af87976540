import type { BackfillReport } from '../../lib/backfill/backfill-request.ts'
import { totalOf } from '../../lib/backfill/progress.ts'
import { count } from '../terminal/progress.ts'
import type { Shell } from '../terminal/shell.ts'

/** Shows the progress of a backfill. */
export type BackfillProgress = {
  show(report: BackfillReport): void
  /** Leaves the line to others. */
  end(): void
}

/** How wide the bar is, in characters. */
const WIDTH = 24

/** How often a line is logged where there is no terminal, in milliseconds. */
const EVERY_MS = 10_000

/**
 * Shows the time of the stream that is done as a bar: on a terminal on one line that changes, in a log with a line now and then.
 * @param verb what was done to the events that webhooks had not brought, such as `queued`
 */
export function createBackfillProgress(
  { stderr, now }: Pick<Shell, 'stderr' | 'now'>,
  verb: string,
): BackfillProgress {
  const begun = now()
  let first: number | undefined
  let toldAt = begun
  return {
    show(report) {
      const part = partOf(report)
      first ??= part
      if (!stderr.isTTY && now() - toldAt < EVERY_MS) return
      toldAt = now()
      const text = progressText(report, verb, part, leftSeconds(part, first, (toldAt - begun) / 1000))
      stderr.write(stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
    },
    end() {
      if (stderr.isTTY) stderr.write('\r\x1b[K')
    },
  }
}

/** Computes how much of the span is done, from 0 to 1. */
function partOf({ since, until, through, done }: BackfillReport): number {
  if (done) return 1
  const [from, to, come] = [since, until, through].map(Date.parse)
  return Math.min(Math.max(((come ?? 0) - (from ?? 0)) / ((to ?? 1) - (from ?? 0)), 0), 1)
}

/** Estimates the seconds that are left; undefined until there is a basis. */
function leftSeconds(part: number, first: number, seconds: number): number | undefined {
  return part > first && part < 1 ? ((1 - part) / (part - first)) * seconds : undefined
}

function progressText(
  { through, counts }: BackfillReport,
  verb: string,
  part: number,
  left: number | undefined,
): string {
  const { read, queued } = totalOf(counts)
  const filled = Math.round(part * WIDTH)
  const bar = `[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${String(Math.floor(part * 100)).padStart(3)} %`
  const parts = [`${bar}  up to ${through.slice(0, 16)}Z`, `${count(read)} read`, `${count(queued)} ${verb}`]
  return [...parts, ...(left === undefined ? [] : [`${leftText(left)} left`])].join(', ')
}

const leftText = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`
