import { useEffect, useState } from 'preact/hooks'
import type { DeadLetterView } from '../../protocol.ts'
import { get } from '../api.ts'
import { ActionButton, perform, plural } from '../parts.tsx'
import { openEvent } from '../place.ts'
import { LatencyPlot, QueuePlot, ThroughputPlot } from '../plots.tsx'
import type { Live } from '../store.ts'

/** The queue as it stands and as it was, and what lies on the dead-letter queue. */
export function Queue({ live, readOnly }: { readonly live: Live; readonly readOnly: boolean }) {
  return (
    <>
      <section aria-labelledby="queue-title">
        <h2 id="queue-title">Queue</h2>
        <Counts live={live} />
        <div class="plots">
          <ThroughputPlot rows={live.rows} />
          <LatencyPlot rows={live.rows} />
          <QueuePlot samples={live.samples} />
        </div>
      </section>
      <DeadLetters live={live} readOnly={readOnly} />
    </>
  )
}

function Counts({ live: { queues, about, events } }: { readonly live: Live }) {
  if (!queues) return <p>The queues can’t be read at the moment.</p>
  const counts = [
    ['waiting', queues.queue.waiting],
    ['in flight', queues.queue.inFlight],
    ['delayed', queues.queue.delayed],
    ['dead letters', queues.deadLetters.waiting + queues.deadLetters.inFlight],
    [`events kept, of at most ${about?.eventsMax ?? 0}`, events.size],
  ] as const
  return (
    <dl class="counts">
      {counts.map(([name, count]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{count}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Why no dead letter is listed. */
function noneText(read: boolean, count: number): string {
  if (!read) return 'Reading …'
  return count === 0
    ? 'None: everything that was accepted is done, or will be.'
    : 'They are in other hands at the moment, and are listed when they come back.'
}

function DeadLetters({ live, readOnly }: { readonly live: Live; readonly readOnly: boolean }) {
  const [letters, setLetters] = useState<readonly DeadLetterView[]>()
  const [problem, setProblem] = useState('')
  const count = live.queues ? live.queues.deadLetters.waiting + live.queues.deadLetters.inFlight : 0
  const read = () =>
    get<readonly DeadLetterView[]>('/_local/dead-letters').then(
      found => {
        setLetters(found)
        setProblem('')
      },
      error => setProblem(error instanceof Error ? error.message : String(error)),
    )
  useEffect(() => void read(), [count])
  const redrive = async (input: Readonly<Record<string, string>>) => {
    await perform('redrive', input)
    await read()
  }
  return (
    <section aria-labelledby="dead-letters-title" id="dead-letters">
      <h2 id="dead-letters-title">Dead letters</h2>
      {problem && <p class="bad">{problem}</p>}
      {letters === undefined || letters.length === 0 ? (
        <p class="quiet">{noneText(letters !== undefined, count)}</p>
      ) : (
        <>
          {!readOnly && (
            <div class="actions">
              <ActionButton
                title="Runs again what failed, and only that."
                onPress={() => redrive({ all: 'true' })}
              >
                Redrive all
              </ActionButton>
            </div>
          )}
          <p class="quiet">
            {count > letters.length ? `The oldest of ${plural(count, 'dead letter')}:` : ''}
          </p>
          <ul class="cards">
            {letters.map(({ messageId, eventId, trigger, code, message, at, automations }) => (
              <li key={messageId}>
                <h4>
                  <button type="button" class="link-button" onClick={() => openEvent(eventId)}>
                    {trigger}
                  </button>{' '}
                  <span class="bad">{code}</span>
                </h4>
                <p>{message}</p>
                <p class="quiet">
                  {new Date(at).toLocaleString()}
                  {automations.length > 0 ? `, ${automations.join(', ')}` : ''}
                </p>
                {!readOnly && (
                  <ActionButton onPress={() => redrive({ event: eventId })}>Redrive</ActionButton>
                )}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  )
}
