import type { LogLine } from '../../../../lib/log/log.ts'
import { durationText } from '../../../../lib/operations/event-timeline.ts'
import type { EventDetails } from '../../protocol.ts'
import { Chip, Code, plural } from '../parts.tsx'

/** What became of each automation: its run in the ledger, its calls to Box, its errors and what it said. */
export function Runs({ details }: { readonly details: EventDetails }) {
  const { record, lines } = details
  const names = new Set([
    ...Object.keys(record?.runs ?? {}),
    ...lines.flatMap(({ automation }) => (typeof automation === 'string' ? [automation] : [])),
  ])
  if (names.size === 0) return <p class="quiet">No automation has to do with this event.</p>
  return (
    <ul id="runs" class="cards">
      {[...names].map(name => (
        <Run key={name} name={name} details={details} />
      ))}
    </ul>
  )
}

function Run({ name, details }: { readonly name: string; readonly details: EventDetails }) {
  const run = details.record?.runs[name]
  const lines = details.lines.filter(({ automation }) => automation === name)
  const calls = lines.filter(({ event }) => event === 'box_call')
  const threw = lines.findLast(({ event }) => event === 'run_threw')
  const why = run?.reason ?? run?.error?.message
  const state = run?.status ?? 'under way'
  return (
    <li>
      <h4>
        {name} <Chip state={state} />
      </h4>
      {run && (
        <p>
          {state} after {plural(run.attempts, 'attempt')}
          {run.redrives > 0 ? `, taken back ${plural(run.redrives, 'time')}` : ''}
          {why ? `: ${run.error ? `${run.error.code}: ` : ''}${why}` : ''}
        </p>
      )}
      {calls.length > 0 && (
        <ul class="calls" aria-label="Calls to Box">
          {calls.map((call, index) => (
            <Call key={`${call.time} ${index}`} call={call} />
          ))}
        </ul>
      )}
      {threw && (
        <details>
          <summary>where it was thrown last</summary>
          <Code label="Where it was thrown last" text={String(threw.stack)} />
        </details>
      )}
      <Said lines={lines} />
      {run && Object.keys(run.steps).length > 0 && (
        <details>
          <summary>{plural(Object.keys(run.steps).length, 'step')} kept</summary>
          <Code label="Steps" text={JSON.stringify(run.steps, null, 2)} />
        </details>
      )}
    </li>
  )
}

function Call({ call }: { readonly call: LogLine }) {
  const { method, path, status, ms } = call
  const good = typeof status === 'number' && status >= 200 && status < 300
  return (
    <li>
      {String(method)} {String(path)} →{' '}
      <span class={good ? 'good' : 'bad'}>{String(status || 'no answer')}</span>{' '}
      <span class="quiet">{durationText(Number(ms))}</span>
    </li>
  )
}

/** What the automation itself wrote into the log. */
function Said({ lines }: { readonly lines: readonly LogLine[] }) {
  const own = lines.filter(({ event }) => event === 'automation_log')
  if (own.length === 0) return null
  return (
    <ul class="said" aria-label="Log">
      {own.map((line, index) => (
        <li key={`${line.time} ${index}`}>
          <span class="quiet">{line.level}</span> {String(line.message)}
        </li>
      ))}
    </ul>
  )
}
