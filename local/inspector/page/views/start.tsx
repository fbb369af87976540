import { useMemo } from 'preact/hooks'
import { ActionButton, perform, plural } from '../parts.tsx'
import type { Live } from '../store.ts'

/** What one looks at, for whoever sees it for the first time: the way of an event, and where to begin. */
export function Start({ live, onClose }: { readonly live: Live; readonly onClose: () => void }) {
  const { queues, about } = live
  const counts = useMemo(() => countsOf(live), [live.rows])
  const dead = queues ? queues.deadLetters.waiting + queues.deadLetters.inFlight : 0
  const stations = [
    [
      'Box',
      'signs what happened and posts it, again for two hours until it is taken',
      plural(counts.sent, 'delivery'),
    ],
    ['Ingest', 'checks the signature; answers 202 only once the queue has it', `${counts.refused} refused`],
    ['Queue', 'holds it until it is done, and lets it wait', `${queues?.queue.waiting ?? 0} waiting`],
    [
      'Automations',
      'yours: each runs once per event; a failure repeats only what failed',
      `${counts.done} done`,
    ],
    ['Dead letters', 'what can’t succeed, with the reason; a redrive finishes it', String(dead)],
  ] as const
  return (
    <section aria-labelledby="start-title" class="start">
      <div class="title-line">
        <h2 id="start-title">Something happens in Box, and your code acts on it, once</h2>
        <button type="button" class="small" onClick={onClose}>
          Hide this
        </button>
      </div>
      <p>
        All of boxhooks runs on this machine, before an emulated Box. Somebody downloads a contract through
        its shared link; an automation of a dozen lines then takes the link away. Watch it:
      </p>
      <div class="actions">
        <ActionButton primary onPress={() => perform('show-main-job')}>
          Download contract.pdf
        </ActionButton>
      </div>
      <ol class="way" aria-label="The way of an event">
        {stations.map(([name, text, count]) => (
          <li key={name}>
            <strong>{name}</strong>
            <span class="quiet">{text}</span>
            <span class="count">{count}</span>
          </li>
        ))}
      </ol>
      <p class="quiet">
        Loaded here:{' '}
        {(about?.automations ?? []).map(({ name, on }) => `${name} on ${on.join(', ')}`).join('; ')}. Change a
        file in automations/, and the change is loaded.
      </p>
    </section>
  )
}

function countsOf({ rows, events }: Live) {
  const refused = rows.filter(({ delivery }) => delivery && delivery.status >= 400 && delivery.status < 500)
  const done = [...events.values()].filter(({ status }) => status === 'done')
  return { sent: rows.length, refused: refused.length, done: done.length }
}
