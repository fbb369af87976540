import { useState } from 'preact/hooks'
import { ActionButton, perform } from './parts.tsx'

/** What goes wrong with each button, and what boxhooks promises about it. */
const PROMISES = [
  ['fail-once', 'Fail once', 'Box answers 503 to the run’s call: it is tried again, and succeeds.'],
  [
    'fail-for-good',
    'Fail for good',
    'Box forbids the call: the event goes to the dead letters, from where it can be redriven.',
  ],
  ['bad-signature', 'Bad signature', 'A forged delivery: it is refused with 401, and nothing is queued.'],
  [
    'rotate-keys',
    'Rotate keys',
    'Both signature keys are replaced, with deliveries in between: none is refused.',
  ],
  ['kill-worker', 'Kill the worker', 'The Lambda dies in the middle of a run: another takes the event over.'],
  ['storm', 'Storm of 500', '500 deliveries at once: all are accepted, queued and done.'],
] as const

/** A button for each promise: it breaks something on purpose, and the event shows what becomes of it. */
export function Promises() {
  const [paused, setPaused] = useState(false)
  const pause = async () => {
    if (await perform('pause-box', { on: String(!paused) })) setPaused(!paused)
  }
  return (
    <section aria-labelledby="promises-title" class="promises">
      <h2 id="promises-title">Break it on purpose</h2>
      <div class="actions">
        {PROMISES.map(([name, label, title]) => (
          <ActionButton key={name} title={title} onPress={() => perform(name)}>
            {label}
          </ActionButton>
        ))}
        <ActionButton
          title="Box’s API answers 503 until it is resumed: runs wait, and none is lost."
          onPress={pause}
        >
          {paused ? 'Resume Box’s API' : 'Pause Box’s API'}
        </ActionButton>
      </div>
    </section>
  )
}
