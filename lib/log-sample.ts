import type { LogLevel } from './log.ts'

/** Says of an event whether its lines of level info are written though nothing is wrong. The same event is always told the same. */
export type LogSample = (eventId: string) => boolean

/**
 * Makes a sample of events by their ids, so that every function chooses the same ones.
 * @param rate the part of the events that is in the sample, from 0 to 1
 */
export const logSample =
  (rate: number): LogSample =>
  eventId =>
    rate >= 1 || hashOf(eventId) < rate

/** FNV-1a with its last bits mixed: from 0 up to, not including, 1. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash ^= hash >>> 13
  return (hash >>> 0) / 0x1_0000_0000
}

/**
 * Takes one finished line.
 * @param measures whether the line carries metrics, so that it must not get lost
 */
export type WriteLine = (line: string, level: LogLevel, measures?: boolean) => void

/**
 * Holds lines of level info and below back until there is one that warns: then all are written, in their order, and every
 * one after them. So the log of an event with which something is wrong is whole.
 */
export function holdBack(write: WriteLine): WriteLine {
  let held: [line: string, level: LogLevel][] | undefined = []
  return (line, level, measures) => {
    const isTrouble = level === 'warn' || level === 'error'
    if (held && measures && !isTrouble) return write(line, level, measures)
    if (held && !isTrouble) {
      held.push([line, level])
      return
    }
    for (const before of held ?? []) write(...before)
    held = undefined
    write(line, level, measures)
  }
}
