import { useEffect, useState } from 'preact/hooks'
import { type JsonObject, readPayload } from '../../payload-form.ts'
import type { BoxView, EventDetails, TemplateName, TemplateShape } from '../../protocol.ts'
import { get } from '../api.ts'
import { ActionButton, perform, pretty, say } from '../parts.tsx'
import { PayloadFields } from '../payload-fields.tsx'
import type { Live } from '../store.ts'

const FIRST: TemplateName = { trigger: 'FILE.DOWNLOADED', shapes: [] }

/** Sends anything as Box would: any trigger from its template, or an event that came before, changed. */
export function Send({ live, eventId }: { readonly live: Live; readonly eventId: string | undefined }) {
  const [templates, setTemplates] = useState<readonly TemplateName[]>([FIRST])
  const [items, setItems] = useState<BoxView['items']>()
  const [trigger, setTrigger] = useState(FIRST.trigger)
  const [about, setAbout] = useState('')
  const [nth, setNth] = useState(0)
  const [fromEvent, setFromEvent] = useState(eventId)
  const [template, setTemplate] = useState<JsonObject>({})
  const [body, setBody] = useState('')
  const [bend, setBend] = useState<string>('none')
  const [bends, setBends] = useState<readonly string[]>([bend])
  const [fresh, setFresh] = useState(true)
  const fill = (text: string): void => {
    setBody(text)
    setTemplate(readPayload(text) ?? {})
  }
  const failed = (error: unknown) => say(error instanceof Error ? error.message : String(error), true)
  useEffect(() => {
    get<readonly TemplateName[]>('/_local/templates').then(setTemplates, failed)
    get<readonly string[]>('/_local/bends').then(setBends, failed)
    get<BoxView>('/_local/box').then(view => setItems(view.items), failed)
  }, [])
  const shapes = templates.find(one => one.trigger === trigger)?.shapes ?? []
  const shape = shapes[nth]
  const kinds = shape?.about ?? []
  const choices = (items ?? []).filter(
    ({ type, trashed, id }) => kinds.includes(type) && !trashed && id !== '0',
  )
  const chosen = choices.some(item => keyOf(item) === about) ? about : choices[0] ? keyOf(choices[0]) : ''
  useEffect(() => setFromEvent(eventId), [eventId])
  const wanted = fromEvent ?? (items && shape && `${trigger} ${nth} ${chosen}`)
  useEffect(() => {
    if (wanted === undefined) return
    let stale = false
    const filled = fromEvent === undefined ? textOf(trigger, chosen, nth) : bodyOf(fromEvent)
    filled.then(text => !stale && fill(text), failed)
    return () => {
      stale = true
    }
  }, [wanted])
  const choose = (next: string, item: string, form = 0): void => {
    setFromEvent(undefined)
    setTrigger(next)
    setAbout(item)
    setNth(form)
  }
  const payload = readPayload(body)
  const told = fromEvent === undefined ? trigger : payload?.trigger
  return (
    <section aria-labelledby="send-title" id="send">
      <h2 id="send-title">Send a delivery</h2>
      <p class="quiet">
        Any trigger, about any item of the emulated Box. It is written as Box writes it (escaped, without
        spaces), signed, and posted to {live.about?.webhookUrl}.
      </p>
      <div class="filters">
        <label>
          Trigger
          <select
            id="send-trigger"
            value={typeof told === 'string' ? told : trigger}
            onChange={({ currentTarget }) => choose(currentTarget.value, chosen)}
          >
            {templates.map(({ trigger: name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {fromEvent === undefined && shapes.length > 0 && (
          <label>
            Shape
            <select
              id="send-shape"
              value={String(nth)}
              onChange={({ currentTarget }) => choose(trigger, chosen, Number(currentTarget.value))}
            >
              {shapes.map(({ provenance, date }, index) => (
                <option key={index} value={String(index)}>
                  {provenance} {date}
                </option>
              ))}
            </select>
          </label>
        )}
        {choices.length > 0 && (
          <label>
            About
            <select
              id="send-about"
              value={chosen}
              onChange={({ currentTarget }) => choose(trigger, currentTarget.value, nth)}
            >
              {choices.map(item => (
                <option key={keyOf(item)} value={keyOf(item)}>
                  {item.type} {item.name}
                </option>
              ))}
            </select>
          </label>
        )}
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
      {fromEvent === undefined && shape && <Known shape={shape} />}
      <div class="send-body">
        <div>
          <h3>Fields</h3>
          {payload ? (
            <PayloadFields
              key={`${trigger} ${nth} ${chosen} ${fromEvent ?? ''}`}
              payload={payload}
              template={template}
              onChange={next => setBody(JSON.stringify(next, null, 2))}
            />
          ) : (
            <p class="quiet">They come back when the body is a JSON object again.</p>
          )}
        </div>
        <label class="block">
          Body
          <textarea
            id="send-body"
            rows={22}
            spellcheck={false}
            value={body}
            aria-invalid={payload === undefined}
            onInput={({ currentTarget }) => setBody(currentTarget.value)}
          />
          {payload === undefined && body.trim() !== '' && <span class="bad">{problemWith(body)}</span>}
        </label>
      </div>
      <div class="actions">
        <ActionButton primary onPress={() => perform('send', { body, bend, fresh: String(fresh) })}>
          Send
        </ActionButton>
      </div>
    </section>
  )
}

/** How the shape is known; that it is a guess stands out. */
const Known = ({ shape }: { readonly shape: TemplateShape }) =>
  shape.provenance === 'guess' ? (
    <p class="wait" id="send-known">
      This shape is a guess: {shape.source}. Box may send something else.
    </p>
  ) : (
    <p class="quiet" id="send-known">
      {KNOWN[shape.provenance]}: {shape.source}
    </p>
  )

const KNOWN = {
  captured: 'A receiver has logged such a delivery',
  consumer: 'The code of a receiver reads these fields',
  guide: 'Box’s guide has this',
  schema: 'Only Box’s API description has these fields',
}

const keyOf = ({ type, id }: { readonly type: string; readonly id: string }): string => `${type}:${id}`

const textOf = async (trigger: string, about: string, nth: number): Promise<string> => {
  const query = new URLSearchParams({ about, shape: String(nth) })
  const path = `/_local/templates/${encodeURIComponent(trigger)}?${query}`
  return JSON.stringify(await get<unknown>(path), null, 2)
}

async function bodyOf(eventId: string): Promise<string> {
  const { deliveries, payload } = await get<EventDetails>(`/_local/events/${encodeURIComponent(eventId)}`)
  return pretty(deliveries.findLast(({ body }) => body !== '')?.body ?? payload ?? '')
}

function problemWith(body: string): string {
  try {
    JSON.parse(body)
    return 'It must be a JSON object.'
  } catch (error) {
    return `This is no JSON yet: ${error instanceof Error ? error.message : error}`
  }
}
