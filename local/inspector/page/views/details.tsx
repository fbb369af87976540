import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { LogLine } from '../../../../lib/log/log.ts'
import { durationText, eventTimeline } from '../../../../lib/operations/event-timeline.ts'
import { curlOf } from '../../curl.ts'
import type { EventDetails, EventSummary } from '../../protocol.ts'
import { get } from '../api.ts'
import { ActionButton, Chip, Code, perform, plural, pretty, say } from '../parts.tsx'
import { go } from '../place.ts'
import { DeliveryCard } from './delivery.tsx'
import { Runs } from './runs.tsx'
import { Timeline } from './timeline.tsx'

/** All that is known of one event; it follows the event for as long as it is open. */
export function Details(props: {
  readonly eventId: string
  readonly summary: EventSummary | undefined
  readonly readOnly: boolean
}) {
  const { eventId, summary, readOnly } = props
  const [details, setDetails] = useState<EventDetails>()
  const [problem, setProblem] = useState('')
  const title = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    let stale = false
    get<EventDetails>(`/_local/events/${encodeURIComponent(eventId)}`).then(
      found => {
        if (stale) return
        setDetails(found)
        setProblem('')
      },
      error => !stale && setProblem(error instanceof Error ? error.message : String(error)),
    )
    return () => {
      stale = true
    }
  }, [eventId, summary])
  const loaded = details !== undefined
  useEffect(() => {
    if (loaded && title.current) bringIntoView(title.current)
  }, [loaded])
  useEffect(() => {
    const onKeyDown = ({ key, target }: KeyboardEvent): void => {
      if (key === 'Escape' && !(target instanceof HTMLElement && target.matches('input, select, textarea')))
        close()
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [])
  const story = useMemo(() => details && eventTimeline(details), [details])
  if (!details || !story)
    return (
      <section class="details" id="details">
        <p>{problem || 'Reading …'}</p>
      </section>
    )
  const first = story.steps[0]?.at ?? 0
  return (
    <section class="details" id="details" aria-labelledby="details-title">
      <div class="title-line">
        <h2 id="details-title" ref={title}>
          {details.trigger} <span class="item-name">{details.item}</span> <Chip state={details.status} />
        </h2>
        <button type="button" class="small" title="Escape does so as well" onClick={close}>
          Close
        </button>
      </div>
      <p class="quiet" id="details-id">
        event {details.eventId}
      </p>
      {problem && <p class="bad">{problem}</p>}
      <EventActions details={details} readOnly={readOnly} />
      <h3>Timeline</h3>
      <Timeline story={story} />
      <ol id="timeline" class="steps" aria-label="The timeline in words">
        {story.steps.map(({ at, tone, text, lane }, index) => (
          <li key={`${at} ${index}`}>
            <time>+{durationText(at - first)}</time>
            <span class="quiet step-lane">{lane}</span>
            <span class={tone}>{text}</span>
          </li>
        ))}
      </ol>
      <h3>Automations</h3>
      <Runs details={details} />
      <h3>Deliveries</h3>
      <div id="deliveries">
        {details.deliveries.toReversed().map(delivery => (
          <DeliveryCard key={delivery.seq} delivery={delivery} />
        ))}
        {details.deliveries.length === 0 && <p class="quiet">none known</p>}
      </div>
      <h3>Ledger</h3>
      <details id="record">
        <summary>
          {details.record
            ? `${details.record.status}, written ${plural(details.record.version, 'time')}`
            : 'no record'}
        </summary>
        <Code label="The ledger's record" text={JSON.stringify(details.record, null, 2)} />
        {details.payload !== null && <Code label="The body in the ledger" text={pretty(details.payload)} />}
      </details>
      <details id="log">
        <summary>Log, {plural(details.lines.length, 'line')}</summary>
        <Code label="Log lines" text={details.lines.map(logLine).join('\n')} />
      </details>
    </section>
  )
}

const close = (): void => go({ view: 'deliveries', eventId: undefined })

/** Where there is room the list stays in sight, on a phone the event comes first. */
function bringIntoView(title: HTMLElement): void {
  const { top } = title.getBoundingClientRect()
  if (top >= 0 && top < innerHeight * 0.65) return
  const narrow = matchMedia('(max-width: 860px)').matches
  const target = narrow ? title : document.getElementById('list')
  target?.scrollIntoView({ block: 'start' })
}

function EventActions({ details, readOnly }: { readonly details: EventDetails; readonly readOnly: boolean }) {
  const { eventId, deliveries, status } = details
  const input = { event: eventId }
  const [curl, setCurl] = useState('')
  const last = deliveries.findLast(({ body }) => body !== '')
  const copy = async () => {
    if (!last) return
    const command = curlOf(last, location.origin)
    setCurl(command)
    try {
      await navigator.clipboard.writeText(command)
      say('Copied. Its signature holds for ten minutes from its delivery on.')
    } catch {
      say('This browser does not let the page copy: take the command from below.')
    }
  }
  return (
    <>
      <div class="actions" id="event-actions">
        {!readOnly && (
          <>
            <ActionButton
              title="As Box does when it is unsure: nothing is done twice."
              onPress={() => perform('deliver-again', input)}
            >
              Deliver again
            </ActionButton>
            <ActionButton
              title="One and the same request, twice at the same time: the event is still done once."
              onPress={() => perform('deliver-twice', input)}
            >
              Deliver twice at once
            </ActionButton>
            <ActionButton
              title="Runs every automation anew, from the body that the ledger keeps."
              onPress={() => perform('replay', input)}
            >
              Replay
            </ActionButton>
            {status === 'dead' && (
              <ActionButton
                title="Runs again what failed, and only that."
                onPress={() => perform('redrive', input)}
              >
                Redrive
              </ActionButton>
            )}
            <ActionButton onPress={() => perform('save-fixture', input)}>Save as test fixture</ActionButton>
            <button type="button" onClick={() => go({ view: 'send', eventId })}>
              Edit and send
            </button>
          </>
        )}
        {last && (
          <button type="button" onClick={copy}>
            Copy as curl
          </button>
        )}
      </div>
      {curl && <Code label="The delivery as a curl command" text={curl} />}
    </>
  )
}

function logLine({ time, level, event, function: fn, eventId: _, ...fields }: LogLine): string {
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return [time.slice(11, 23), level.padEnd(5), fn.padEnd(9), event, ...rest].join(' ')
}
