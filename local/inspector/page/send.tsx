import { useEffect, useState } from 'preact/hooks'
import type { EventDetails } from '../protocol.ts'
import { get } from './api.ts'
import { ActionButton, perform, pretty, say } from './parts.tsx'
import type { Live } from './store.ts'

/** Sends anything as Box would: any trigger from its template, or an event that came before, changed. */
export function Send({ live, eventId }: { readonly live: Live; readonly eventId: string | undefined }) {
  const [trigger, setTrigger] = useState('FILE.DOWNLOADED')
  const [body, setBody] = useState('')
  const [bend, setBend] = useState<string>('none')
  const [bends, setBends] = useState<readonly string[]>([bend])
  const [fresh, setFresh] = useState(true)
  const [triggers, setTriggers] = useState<readonly string[]>([trigger])
  useEffect(() => {
    get<readonly string[]>('/_local/templates').then(setTriggers, () => {})
    get<readonly string[]>('/_local/bends').then(setBends, () => {})
  }, [])
  useEffect(() => {
    const filled = eventId === undefined ? templateOf(trigger) : bodyOf(eventId)
    filled.then(setBody, error => say(error instanceof Error ? error.message : String(error), true))
  }, [trigger, eventId])
  const problem = problemWith(body)
  return (
    <section aria-labelledby="send-title" id="send">
      <h2 id="send-title">Send a delivery</h2>
      <p class="quiet">
        It is written and signed as Box does it, and posted to {live.about?.webhookUrl}. The ids in a template
        are samples: put in those of your items.
      </p>
      <div class="filters">
        <label>
          Trigger
          <select
            id="send-trigger"
            value={trigger}
            onChange={({ currentTarget }) => {
              setTrigger(currentTarget.value)
              if (eventId !== undefined) templateOf(currentTarget.value).then(setBody)
            }}
          >
            {triggers.map(name => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Signature and time
          <select id="send-bend" value={bend} onChange={({ currentTarget }) => setBend(currentTarget.value)}>
            {bends.map(name => (
              <option key={name} value={name}>
                {name === 'none' ? 'as Box signs it' : name}
              </option>
            ))}
          </select>
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={fresh}
            onChange={({ currentTarget }) => setFresh(currentTarget.checked)}
          />
          a new event id
        </label>
      </div>
      <label class="block">
        Body
        <textarea
          id="send-body"
          rows={22}
          spellcheck={false}
          value={body}
          aria-invalid={problem !== ''}
          onInput={({ currentTarget }) => setBody(currentTarget.value)}
        />
      </label>
      {problem && <p class="bad">{problem}</p>}
      <div class="actions">
        <ActionButton onPress={() => perform('send', { body, bend, fresh: String(fresh) })}>
          Send
        </ActionButton>
      </div>
    </section>
  )
}

const templateOf = async (trigger: string): Promise<string> =>
  JSON.stringify(await get<unknown>(`/_local/templates/${encodeURIComponent(trigger)}`), null, 2)

async function bodyOf(eventId: string): Promise<string> {
  const { deliveries, payload } = await get<EventDetails>(`/_local/events/${encodeURIComponent(eventId)}`)
  return pretty(deliveries.findLast(({ body }) => body !== '')?.body ?? payload ?? '')
}

function problemWith(body: string): string {
  if (body.trim() === '') return ''
  try {
    JSON.parse(body)
    return ''
  } catch (error) {
    return `This is no JSON yet: ${error instanceof Error ? error.message : error}`
  }
}
