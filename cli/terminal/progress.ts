import type { Shell } from './shell.ts'

/** Tells how far long work has come. */
export type Progress = {
  /** How many are done by now. */
  readonly done: number
  /** One more is done. */
  step(): void
  /** Leaves the line to others. */
  end(): void
}

export type ProgressOptions = {
  /** What was done to each, such as `redriven`. */
  readonly verb: string
  /** About how many there are; undefined where nobody knows. */
  readonly total?: number | undefined
}

/** How often a terminal is told, in milliseconds, and everybody else, in steps. */
const TOLD = { everyMs: 200, everySteps: 1000 }

/** Tells a terminal on one line that changes, and a log with a line now and then. */
export function createProgress(
  { stderr, now }: Pick<Shell, 'stderr' | 'now'>,
  { verb, total }: ProgressOptions,
): Progress {
  const begun = now()
  let done = 0
  let toldAt = begun
  const write = () => {
    toldAt = now()
    const text = progressText(verb, done, total, (toldAt - begun) / 1000)
    stderr.write(stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
  }
  return {
    get done() {
      return done
    },
    step() {
      done += 1
      if (stderr.isTTY ? now() - toldAt >= TOLD.everyMs : done % TOLD.everySteps === 0) write()
    },
    end() {
      if (stderr.isTTY) stderr.write('\r\x1b[K')
    },
  }
}

function progressText(verb: string, done: number, total: number | undefined, seconds: number): string {
  const perSecond = done / Math.max(seconds, 0.001)
  const parts = [
    `${count(done)}${total === undefined ? '' : ` of about ${count(total)}`} ${verb}`,
    `${perSecond.toFixed(perSecond < 10 ? 1 : 0)} a second`,
    ...(total !== undefined && total > done ? [`${leftText((total - done) / perSecond)} left`] : []),
  ]
  return parts.join(', ')
}

const leftText = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`

/** A number as people read it. */
export const count = (number: number): string => number.toLocaleString('en')
