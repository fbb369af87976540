import type { LogLine } from '../log/log.ts'

/** One request to the ingest endpoint; times in milliseconds. */
type TimelineDelivery = {
  readonly at: number
  readonly ms: number
  /** 1 for the first attempt. */
  readonly attempt: number
  /** 0 where no answer came. */
  readonly status: number
  readonly answer: string
  readonly nextAttemptAt?: number | undefined
}

/** How something went: as it should, still waiting, gone wrong, or just worth knowing. */
type Tone = 'good' | 'wait' | 'bad' | 'plain'

/** Something that took time. Times are milliseconds since the epoch. */
type Span = { readonly from: number; readonly to: number; readonly tone: Tone; readonly text: string }

/** Something that happened at one moment. */
type Mark = { readonly at: number; readonly tone: Tone; readonly text: string }

/** One row of the picture: ingest, the queue, or an automation. */
export type Lane = { readonly name: string; readonly spans: readonly Span[]; readonly marks: readonly Mark[] }

/** An event's whole life. */
export type EventTimeline = {
  readonly lanes: readonly Lane[]
  /** All of it in words, in the order it happened. */
  readonly steps: readonly (Mark & { readonly lane: string })[]
}

export const INGEST = 'ingest'
export const QUEUE = 'queue'

/** Ends of an attempt at a run. */
const RUN_ENDS: ReadonlySet<string> = new Set(['run_done', 'run_skipped', 'run_retrying', 'run_failed'])

/** Lines after which the event waits on the queue again. */
const WAITS: ReadonlySet<string> = new Set(['run_retrying', 'event_waiting'])

/** Lines after which the queue holds nothing of it any more. */
const ENDS: ReadonlySet<string> = new Set(['event_finished', 'event_dead_lettered', 'event_duplicate'])

/**
 * Tells an event's life from what was heard of it: its deliveries and the functions' log lines. Pure; what is missing leaves
 * gaps, and lines in any order are put in order.
 */
export function eventTimeline(heard: {
  readonly deliveries: readonly TimelineDelivery[]
  readonly lines: readonly LogLine[]
}): EventTimeline {
  const lines = heard.lines
    .map(line => ({ line, at: Date.parse(line.time) }))
    .filter(({ at }) => !Number.isNaN(at))
    .sort((a, b) => a.at - b.at)
  const lanes = [frontDoor(heard.deliveries, lines), queue(lines), ...automations(lines)]
  const steps = lanes.flatMap(({ name, marks }) => marks.map(mark => ({ ...mark, lane: name })))
  return {
    lanes: lanes.filter(({ spans, marks }) => spans.length + marks.length > 0),
    steps: steps.sort((a, b) => a.at - b.at),
  }
}

type Timed = { readonly line: LogLine; readonly at: number }

function frontDoor(deliveries: readonly TimelineDelivery[], lines: readonly Timed[]): Lane {
  const spans: Span[] = []
  const marks: Mark[] = []
  for (const delivery of deliveries) {
    const { at, ms, attempt, status, nextAttemptAt } = delivery
    const tone: Tone = status >= 200 && status < 300 ? 'good' : 'bad'
    const answer = `answered ${status || 'nothing'} ${codeOf(delivery)}`.trim()
    spans.push({ from: at, to: at + ms, tone, text: `${answer} after ${durationText(ms)}` })
    marks.push({ at, tone: 'plain', text: sentText(attempt) })
    marks.push({ at: at + ms, tone, text: answer })
    if (nextAttemptAt !== undefined)
      spans.push({ from: at + ms, to: nextAttemptAt, tone: 'wait', text: 'until Box delivers it again' })
  }
  for (const { line, at } of lines)
    if (line.event === 'delivery_accepted')
      marks.push({ at, tone: 'good', text: `verified with the ${line.key} key, and queued` })
  return { name: INGEST, spans, marks }
}

const sentText = (attempt: number): string => {
  if (attempt === 0) return 'posted'
  return attempt === 1 ? 'delivered by Box' : `delivered by Box, attempt ${attempt}`
}

function codeOf({ answer }: TimelineDelivery): string {
  try {
    const { code } = JSON.parse(answer)
    return typeof code === 'string' ? code : ''
  } catch {
    return ''
  }
}

/** From when the event was put on the queue, or was to wait, until a worker said something of it. */
function queue(lines: readonly Timed[]): Lane {
  const spans: Span[] = []
  const marks: Mark[] = []
  let since: { at: number; text: string } | undefined
  for (const { line, at } of lines) {
    if (line.function === 'ingest') {
      if (line.event === 'delivery_accepted') since ??= { at, text: 'waiting for a worker' }
      continue
    }
    if (since && (line.event === 'run_started' || line.event.startsWith('event_'))) {
      if (at > since.at) spans.push({ from: since.at, to: at, tone: 'wait', text: since.text })
      since = undefined
    }
    if (WAITS.has(line.event)) since = { at, text: waitText(line) }
    const said = line.event.startsWith('event_') || line.automation === undefined
    if (said) marks.push({ at, tone: toneOf(line), text: describeLine(line) })
    if (ENDS.has(line.event)) since = undefined
  }
  return { name: QUEUE, spans, marks }
}

const waitText = ({ delaySeconds, reason, code }: LogLine): string =>
  `waiting${delaySeconds === undefined ? '' : ` ${delaySeconds} s`} (${reason ?? code ?? 'to be tried again'})`

function automations(lines: readonly Timed[]): Lane[] {
  const byName = new Map<string, Timed[]>()
  for (const timed of lines) {
    const { automation } = timed.line
    if (typeof automation !== 'string') continue
    const own = byName.get(automation) ?? []
    own.push(timed)
    byName.set(automation, own)
  }
  return [...byName].map(([name, own]) => ({ name, spans: attempts(own), marks: own.map(markOf) }))
}

const markOf = ({ line, at }: Timed): Mark => ({ at, tone: toneOf(line), text: describeLine(line) })

/** From each start to its end; one that has none was cut off after the last that was heard of it. */
function attempts(lines: readonly Timed[]): Span[] {
  const spans: Span[] = []
  let started: Timed | undefined
  let last = 0
  const close = (to: number, tone: Tone, text: string): void => {
    if (started) spans.push({ from: started.at, to, tone, text: `attempt ${started.line.attempt}: ${text}` })
    started = undefined
  }
  for (const timed of lines) {
    const { line, at } = timed
    if (line.event === 'run_started') {
      close(last, 'bad', 'cut off')
      started = timed
    } else if (RUN_ENDS.has(line.event)) {
      close(at, toneOf(line), describeLine(line))
    }
    last = at
  }
  close(last, 'wait', 'under way')
  return spans
}

function toneOf({ event, level, status }: LogLine): Tone {
  if (event === 'box_call')
    return typeof status === 'number' && status >= 200 && status < 300 ? 'plain' : 'bad'
  if (event === 'run_done' || event === 'event_finished') return status === 'dead' ? 'bad' : 'good'
  if (level === 'error') return 'bad'
  return WAITS.has(event) || level === 'warn' ? 'wait' : 'plain'
}

/** What the engine's log events are to a reader; the others say it themselves. */
const SAID: Readonly<Record<string, (line: LogLine) => string>> = {
  run_started: ({ attempt }) => `run started, attempt ${attempt}`,
  run_done: ({ ms }) => `run done after ${durationText(Number(ms))}`,
  run_skipped: ({ reason }) => `run skipped: ${reason}`,
  run_retrying: ({ code, message, delaySeconds }) =>
    `failed (${code}: ${message}), again in ${delaySeconds} s`,
  run_failed: ({ code, message }) => `failed permanently (${code}: ${message})`,
  run_threw: ({ error }) => `threw ${error}`,
  box_call: ({ method, path, status, ms }) =>
    `${method} ${path} → ${status || 'no answer'}, ${durationText(Number(ms))}`,
  automation_log: ({ message }) => `says: ${message}`,
  event_finished: ({ status }) => `event finished: ${status}`,
  worker_killed: () => 'worker killed: its Lambda ended in the middle of the run',
  event_duplicate: () => 'event duplicate: finished before, so nothing is done',
  event_dead_lettered: ({ code }) => `put on the dead-letter queue (${code})`,
  event_waiting: ({ reason, delaySeconds }) =>
    `event waiting (${reason}${delaySeconds === undefined ? '' : `, ${delaySeconds} s`})`,
}

/** A log line in words. */
export function describeLine(line: LogLine): string {
  const said = Object.hasOwn(SAID, line.event) ? SAID[line.event] : undefined
  if (said) return said(line)
  const details = [line.code, line.reason, line.message].filter(
    text => typeof text === 'string' && text !== '',
  )
  return `${line.event.replaceAll('_', ' ')}${details.length > 0 ? ` (${details.join(', ')})` : ''}`
}

/** A duration in milliseconds as people read it: `12 ms`, `3.4 s`, `2 min 5 s`, `1 h 2 min`. */
export function durationText(ms: number): string {
  if (Number.isNaN(ms)) return '?'
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}

/** Where a moment lies in the picture, from 0 to 1. */
export type Scale = (at: number) => number

/**
 * A time axis that shows milliseconds beside minutes: between two moments at which something happens, the width grows with the
 * logarithm of the time.
 */
export function scaleOf({ lanes }: EventTimeline): Scale {
  const moments = lanes.flatMap(({ spans, marks }) => [
    ...spans.flatMap(({ from, to }) => [from, to]),
    ...marks.map(({ at }) => at),
  ])
  const sorted = [...new Set(moments)].sort((a, b) => a - b)
  const places = new Map<number, number>()
  let place = 0
  for (const [index, at] of sorted.entries()) {
    const before = sorted[index - 1]
    if (before !== undefined) place += 1 + Math.log1p(at - before)
    places.set(at, place)
  }
  return at => (place === 0 ? 0 : (places.get(at) ?? 0) / place)
}

/** How far apart two times are written along the axis at least, as a share of its width. */
const TICKS_APART = 0.16

/** The moments whose time is written along the axis: the ends of what took time, the first and the last, as far as there is room. */
export function ticksOf({ lanes, steps }: EventTimeline, scale: Scale): readonly number[] {
  const ends = lanes.flatMap(({ spans }) => spans.flatMap(({ from, to }) => [from, to]))
  const [first, last] = [steps[0]?.at, steps.at(-1)?.at]
  if (first === undefined || last === undefined) return []
  const ticks = [first]
  for (const at of [...new Set(ends)].sort((a, b) => a - b)) {
    const before = ticks.at(-1) ?? first
    if (scale(at) - scale(before) >= TICKS_APART && scale(last) - scale(at) >= TICKS_APART) ticks.push(at)
  }
  if (scale(last) - scale(first) >= TICKS_APART) ticks.push(last)
  return ticks
}
