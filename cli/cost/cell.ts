import type { Asked, EventTrace, Logged, Part } from './trace.ts'

/**
 * What an event takes, by what was measured: of a body as large or the next larger, and with as many automations; between
 * two numbers that were measured, what lies between them.
 * @throws RangeError where there were never so many automations, or so large a body
 */
export function cellOf(events: readonly EventTrace[], automations: number, bodyBytes: number): EventTrace {
  const counts = [...new Set(events.map(event => event.automations))].sort((one, other) => one - other)
  const below = counts.findLast(count => count <= automations)
  const above = counts.find(count => count >= automations)
  if (below === undefined || above === undefined)
    throw new RangeError(`The trace has from ${counts[0]} to ${counts.at(-1)} automations at an event.`)
  const lower = fitting(events, below, bodyBytes)
  if (above === below) return lower
  const upper = fitting(events, above, bodyBytes)
  return between(lower, upper, (automations - below) / (above - below), automations)
}

function fitting(events: readonly EventTrace[], automations: number, bodyBytes: number): EventTrace {
  const all = events
    .filter(event => event.automations === automations)
    .sort((one, other) => one.bodyBytes - other.bodyBytes)
  const found = all.find(event => event.bodyBytes >= bodyBytes)
  if (found) return found
  throw new RangeError(`The trace has bodies of up to ${all.at(-1)?.bodyBytes ?? 0} bytes.`)
}

function between(lower: EventTrace, upper: EventTrace, share: number, automations: number): EventTrace {
  const mix = (one: number, other: number) => one + share * (other - one)
  const asked = (one: Asked, other: Asked): Asked => ({
    requests: {},
    sqsUnits: mix(one.sqsUnits, other.sqsUnits),
    writeUnits: mix(one.writeUnits, other.writeUnits),
    readUnits: mix(one.readUnits, other.readUnits),
  })
  const logged = (one: Logged, other: Logged): Logged => ({
    logLines: mix(one.logLines, other.logLines),
    logBytes: mix(one.logBytes, other.logBytes),
  })
  const part = (one: Part, other: Part): Part => ({ ...asked(one, other), ...logged(one, other) })
  return {
    automations,
    bodyBytes: upper.bodyBytes,
    ingest: part(lower.ingest, upper.ingest),
    automate: part(lower.automate, upper.automate),
    poller: asked(lower.poller, upper.poller),
    quiet: {
      ingest: logged(lower.quiet.ingest, upper.quiet.ingest),
      automate: logged(lower.quiet.automate, upper.quiet.automate),
    },
    bytes: {
      item: mix(lower.bytes.item, upper.bytes.item),
      index: mix(lower.bytes.index, upper.bytes.index),
      message: mix(lower.bytes.message, upper.bytes.message),
    },
  }
}
