import { useState } from 'preact/hooks'
import type { BoxView, BoxWebhook } from '../../protocol.ts'
import { perform, plural } from '../parts.tsx'

/** The webhooks of the app, made and changed as in the Developer Console. */
export function Webhooks(props: {
  readonly view: BoxView
  readonly read: () => Promise<unknown>
  readonly address: string
}) {
  const { view, read, address } = props
  const [edited, setEdited] = useState<BoxWebhook | 'new'>()
  const change = async (name: string, input: Readonly<Record<string, string>>) => {
    if (await perform(name, input)) setEdited(undefined)
    await read()
  }
  return (
    <div class="webhooks">
      <h3>Webhooks</h3>
      <ul id="webhooks" class="plain">
        {view.webhooks.map(webhook => (
          <li key={webhook.id}>
            <strong>
              {webhook.target.type} {nameOf(view, webhook.target)}
            </strong>
            <span class="quiet webhook-triggers" title={webhook.triggers.join(', ')}>
              {webhook.triggers.length > 4
                ? plural(webhook.triggers.length, 'trigger')
                : webhook.triggers.join(', ')}
            </span>
            <span class="quiet">to {webhook.address}</span>
            <span class="actions">
              <button type="button" class="small" onClick={() => setEdited(webhook)}>
                Change
              </button>
              <button
                type="button"
                class="small danger"
                title="As somebody would in the Developer Console: nobody is told"
                onClick={() => change('delete-webhook', { id: webhook.id })}
              >
                Delete
              </button>
              <button
                type="button"
                class="small danger"
                title="As Box does when deliveries have failed for weeks: it sends WEBHOOK.DELETED"
                onClick={() => change('clean-up', { id: webhook.id })}
              >
                Let Box clean it up
              </button>
            </span>
          </li>
        ))}
        {view.webhooks.length === 0 && <li class="quiet">none</li>}
      </ul>
      {edited ? (
        <WebhookForm
          key={edited === 'new' ? 'new' : edited.id}
          view={view}
          webhook={edited === 'new' ? undefined : edited}
          address={address}
          onSave={input => change(edited === 'new' ? 'create-webhook' : 'update-webhook', input)}
          onClose={() => setEdited(undefined)}
        />
      ) : (
        <span class="actions">
          <button type="button" class="small" onClick={() => setEdited('new')}>
            Create a webhook …
          </button>
          <button
            type="button"
            class="small"
            title="What boxhooks does after each deploy and each hour: the webhooks become those that the automations declare"
            onClick={() => change('mend-webhooks', {})}
          >
            Sync webhooks
          </button>
        </span>
      )}
    </div>
  )
}

function nameOf(view: BoxView, target: BoxWebhook['target']): string {
  return view.items.find(({ type, id }) => type === target.type && id === target.id)?.name ?? target.id
}

function WebhookForm(props: {
  readonly view: BoxView
  readonly webhook: BoxWebhook | undefined
  readonly address: string
  readonly onSave: (input: Readonly<Record<string, string>>) => Promise<void>
  readonly onClose: () => void
}) {
  const { view, webhook, onSave, onClose } = props
  const targets = view.items.filter(({ trashed, id }) => !trashed && id !== '0')
  const first = targets[0] ? `${targets[0].type}:${targets[0].id}` : ''
  const [target, setTarget] = useState(webhook ? `${webhook.target.type}:${webhook.target.id}` : first)
  const [address, setAddress] = useState(webhook?.address ?? props.address)
  const [triggers, setTriggers] = useState<readonly string[]>(webhook?.triggers ?? ['FILE.DOWNLOADED'])
  const offered = target.startsWith('file') ? view.triggers.file : view.triggers.folder
  const toggle = (trigger: string) =>
    setTriggers(triggers.includes(trigger) ? triggers.filter(one => one !== trigger) : [...triggers, trigger])
  return (
    <form
      class="doing-form"
      aria-label={webhook ? 'Change the webhook' : 'Create a webhook'}
      onSubmit={event => {
        event.preventDefault()
        const chosen = triggers.filter(trigger => offered.includes(trigger)).join(',')
        void onSave({ ...(webhook ? { id: webhook.id } : {}), target, address, triggers: chosen })
      }}
    >
      <label>
        Target
        <select value={target} onChange={({ currentTarget }) => setTarget(currentTarget.value)}>
          {targets.map(({ type, id, name }) => (
            <option key={`${type}:${id}`} value={`${type}:${id}`}>
              {type} {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        Address
        <input type="text" value={address} onInput={({ currentTarget }) => setAddress(currentTarget.value)} />
      </label>
      <fieldset class="triggers">
        <legend>Triggers</legend>
        {offered.map(trigger => (
          <label class="check" key={trigger}>
            <input type="checkbox" checked={triggers.includes(trigger)} onChange={() => toggle(trigger)} />
            {trigger}
          </label>
        ))}
      </fieldset>
      <div class="actions">
        <button type="submit">{webhook ? 'Save the webhook' : 'Create the webhook'}</button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  )
}
