import { useState } from 'preact/hooks'
import { Message, plural } from './parts.tsx'
import { go, hashOf, usePlace, VIEWS, type View } from './place.ts'
import { type Live, useLive } from './store.ts'
import { BoxSide } from './views/box.tsx'
import { Deliveries } from './views/deliveries.tsx'
import { Queue } from './views/queue.tsx'
import { Send } from './views/send.tsx'

const NAMES: Readonly<Record<View, string>> = {
  deliveries: 'Deliveries',
  box: 'Box',
  queue: 'Queue',
  send: 'Send',
}

/** Under which name the browser remembers that the explanation is hidden. */
const HIDDEN = 'boxhooks-explanation-hidden'

/** The whole page. */
export function App() {
  const live = useLive()
  const place = usePlace()
  // Until it is known what the page is opened on, it only looks.
  const readOnly = live.about?.readOnly ?? true
  const [explained, explain] = useState(() => localStorage.getItem(HIDDEN) === null)
  const show = (on: boolean): void => {
    if (on) localStorage.removeItem(HIDDEN)
    else localStorage.setItem(HIDDEN, 'yes')
    explain(on)
  }
  const views = VIEWS.filter(view => !readOnly || view === 'deliveries' || view === 'queue')
  return (
    <>
      <header>
        <h1>boxhooks</h1>
        <nav aria-label="Views">
          {views.map(view => (
            <a
              key={view}
              href={hashOf({ view, eventId: undefined })}
              data-view={view}
              aria-current={view === place.view ? 'page' : undefined}
            >
              {NAMES[view]}
            </a>
          ))}
        </nav>
        <State live={live} />
        {!readOnly && !explained && (
          <button
            type="button"
            class="small"
            onClick={() => {
              show(true)
              go({ view: 'deliveries', eventId: undefined })
            }}
          >
            What is this?
          </button>
        )}
      </header>
      <Problems live={live} />
      <main class={readOnly ? 'read-only' : ''} data-view={place.view}>
        {!readOnly && <BoxSide live={live} />}
        <div class="main">
          {place.view === 'queue' && <Queue live={live} readOnly={readOnly} />}
          {place.view === 'send' && <Send live={live} eventId={place.eventId} />}
          {(place.view === 'deliveries' || place.view === 'box') && (
            <Deliveries
              live={live}
              opened={place.eventId}
              readOnly={readOnly}
              explained={explained}
              onHide={() => show(false)}
            />
          )}
        </div>
      </main>
      <Message />
    </>
  )
}

/** What the page is opened on, and how full the queues are. */
function State({ live: { about, connected, queues } }: { readonly live: Live }) {
  if (!connected) return <p class="state bad">the stack is stopped; waiting for it to come back …</p>
  return (
    <p class="state" id="state">
      {about && (
        <strong>
          {about.readOnly ? `stage ${about.stage}, ${about.region}, read-only` : 'this machine'}
        </strong>
      )}
      {queues && (
        <>
          <span>{queues.queue.waiting} waiting</span>
          <span>{queues.queue.inFlight} in flight</span>
          <span>{queues.queue.delayed} delayed</span>
          <span class={queues.deadLetters.waiting > 0 ? 'bad' : ''}>
            {plural(queues.deadLetters.waiting + queues.deadLetters.inFlight, 'dead letter')}
          </span>
        </>
      )}
    </p>
  )
}

/** What can't be read of a deployed stage, and which permission is missing. */
function Problems({ live: { about } }: { readonly live: Live }) {
  const problems = about?.problems ?? []
  if (problems.length === 0) return null
  return (
    <ul class="problems" role="alert">
      {problems.map(problem => (
        <li key={problem}>{problem}</li>
      ))}
    </ul>
  )
}
