import { useState } from 'preact/hooks'
import { ActionButton, perform } from '../parts.tsx'

/** What goes wrong with each button, and what boxhooks promises about it. */
const PROMISES = [
  ['fail-once', 'Fail once', 'Box answers 503 to the run’s call: it waits, is tried again, and succeeds.'],
  [
    'fail-for-good',
    'Fail for good',
    'Box forbids the call: the event goes to the dead letters with its reason, and can be redriven.',
  ],
  ['bad-signature', 'Bad signature', 'A forged delivery: it is refused with 401, and nothing is queued.'],
  [
    'rotate-keys',
    'Rotate keys',
    'Both signature keys are replaced, with deliveries in between: none is refused. Takes some 15 seconds.',
  ],
  [
    'kill-worker',
    'Kill the worker',
    'The Lambda dies in the middle of a run: another takes the event over when the lease has ended.',
  ],
  ['burst', 'Burst of 500', '500 deliveries at once: all are accepted, queued and done.'],
] as const

/**
 * A button for each promise: it breaks something on purpose, and the event shows what becomes of it.
 * @param props.brief only the buttons, where there is something else to look at
 */
export function Promises({ paused, brief }: { readonly paused: boolean; readonly brief: boolean }) {
  const pauseTitle = 'Box’s API answers 503 until it is resumed: runs wait, and none is lost.'
  return (
    <section aria-labelledby="promises-title" class="promises">
      <h2 id="promises-title">Break it on purpose</h2>
      {!brief && (
        <p class="quiet">
          Each button makes something go wrong, and opens the event that shows what comes of it.
        </p>
      )}
      <ul class={brief ? 'actions brief' : 'promise-cards'}>
        {PROMISES.map(([name, label, title]) => (
          <li key={name}>
            <ActionButton title={brief ? title : undefined} onPress={() => perform(name)}>
              {label}
            </ActionButton>
            {!brief && <p class="quiet">{title}</p>}
          </li>
        ))}
        <li>
          <ActionButton
            title={brief ? pauseTitle : undefined}
            onPress={() => perform('pause-box', { on: String(!paused) })}
          >
            {paused ? 'Resume Box’s API' : 'Pause Box’s API'}
          </ActionButton>
          {!brief && <p class="quiet">{pauseTitle}</p>}
        </li>
        {!brief && <BurstForm />}
      </ul>
    </section>
  )
}

/** As many deliveries as one likes, as fast as one likes. */
function BurstForm() {
  const [count, setCount] = useState('100')
  const [perSecond, setPerSecond] = useState('20')
  return (
    <li class="burst">
      <ActionButton onPress={() => perform('burst', { count, perSecond })}>Send at this rate</ActionButton>
      <p class="quiet">
        <label>
          Deliveries
          <input
            type="number"
            min={1}
            value={count}
            onInput={({ currentTarget }) => setCount(currentTarget.value)}
          />
        </label>
        <label>
          A second
          <input
            type="number"
            min={1}
            value={perSecond}
            onInput={({ currentTarget }) => setPerSecond(currentTarget.value)}
          />
        </label>
      </p>
    </li>
  )
}
