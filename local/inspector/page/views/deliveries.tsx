import { useMemo, useState } from 'preact/hooks'
import { Chip, clockText, plural } from '../parts.tsx'
import { openEvent } from '../place.ts'
import type { Live, Row } from '../store.ts'
import { VirtualList } from '../virtual-list.tsx'
import { Details } from './details.tsx'
import { Promises } from './promises.tsx'
import { Start } from './start.tsx'

/** What the list is narrowed to. */
type Filter = { readonly trigger: string; readonly status: string; readonly text: string }

const NONE: Filter = { trigger: '', status: '', text: '' }

const STATUSES = ['queued', 'running', 'retrying', 'done', 'dead', 'refused', 'undelivered'] as const

const ROW_HEIGHT = 46

/** The list of deliveries, and below it the event that is opened. */
export function Deliveries(props: {
  readonly live: Live
  readonly opened: string | undefined
  readonly readOnly: boolean
  readonly explained: boolean
  readonly onHide: () => void
}) {
  const { live, opened, readOnly, explained, onHide } = props
  const [filter, setFilter] = useState(NONE)
  const rows = useMemo(() => live.rows.filter(row => matches(row, filter)), [live.rows, filter])
  const triggers = useMemo(
    () => [...new Set(live.rows.map(({ event }) => event.trigger))].sort(),
    [live.rows],
  )
  return (
    <>
      {!readOnly && explained && opened === undefined && <Start live={live} onClose={onHide} />}
      {!readOnly && <Promises paused={live.box?.paused ?? false} brief={opened !== undefined} />}
      <section
        aria-labelledby="deliveries-title"
        class={opened === undefined ? 'deliveries' : 'deliveries beside'}
        id="list"
      >
        <h2 id="deliveries-title">Deliveries</h2>
        <Filters filter={filter} triggers={triggers} onChange={setFilter} />
        <p class="quiet" id="count" aria-live="polite">
          {rows.length === live.rows.length
            ? plural(rows.length, 'delivery')
            : `${rows.length} of ${live.rows.length} deliveries`}
        </p>
        {live.rows.length === 0 ? (
          <p id="none">
            {readOnly
              ? 'Nothing was delivered in this time.'
              : 'Nothing has happened yet. Whatever is done in Box and told to a webhook is listed here.'}
          </p>
        ) : (
          <VirtualList
            label="Deliveries, the newest first"
            rows={rows}
            rowHeight={ROW_HEIGHT}
            isSelected={({ event }) => event.eventId === opened}
            onOpen={({ event }) => openEvent(event.eventId)}
            draw={drawRow}
          />
        )}
      </section>
      {opened !== undefined && (
        <Details key={opened} eventId={opened} summary={live.events.get(opened)} readOnly={readOnly} />
      )}
    </>
  )
}

function matches({ event, delivery }: Row, { trigger, status, text }: Filter): boolean {
  if (trigger && event.trigger !== trigger) return false
  if (status && shownStatus(event.status, delivery?.status) !== status) return false
  if (!text) return true
  const wanted = text.toLowerCase()
  return [
    event.item,
    event.trigger,
    event.eventId,
    delivery?.code ?? '',
    String(delivery?.status ?? ''),
  ].some(value => value.toLowerCase().includes(wanted))
}

/** A refused delivery of an event that was accepted before is still a refused one. */
function shownStatus(event: string, answer: number | undefined): string {
  if (answer === undefined || (answer >= 200 && answer < 300)) return event
  return answer >= 400 && answer < 500 ? 'refused' : 'undelivered'
}

function Filters(props: {
  readonly filter: Filter
  readonly triggers: readonly string[]
  readonly onChange: (filter: Filter) => void
}) {
  const { filter, triggers, onChange } = props
  const select = (name: 'trigger' | 'status', label: string, all: string, options: readonly string[]) => (
    <label>
      {label}
      <select
        id={`filter-${name}`}
        value={filter[name]}
        onChange={({ currentTarget }) => onChange({ ...filter, [name]: currentTarget.value })}
      >
        <option value="">{all}</option>
        {options.map(option => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </label>
  )
  return (
    <search class="filters">
      {select('trigger', 'Trigger', 'every trigger', triggers)}
      {select('status', 'Status', 'every status', STATUSES)}
      <label class="wide">
        Text
        <input
          id="filter-text"
          type="search"
          placeholder="item, id, code"
          value={filter.text}
          onInput={({ currentTarget }) => onChange({ ...filter, text: currentTarget.value })}
        />
      </label>
    </search>
  )
}

const drawRow = ({ event, delivery, at }: Row) => (
  <>
    <span class="row-trigger">{event.trigger === 'unknown' ? event.eventId : event.trigger}</span>
    <span class="row-status">
      <Chip state={shownStatus(event.status, delivery?.status)} />
    </span>
    <span class="row-item">{event.item || '—'}</span>
    <span class="row-answer quiet">
      {delivery ? `${delivery.status || 'no answer'} ${delivery.code}` : 'no delivery'}
      {delivery && delivery.attempt > 1 ? `, attempt ${delivery.attempt}` : ''}
    </span>
    <span class="row-time quiet">{clockText(at)}</span>
  </>
)
