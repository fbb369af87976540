import { useState } from 'preact/hooks'
import type { BoxItem, DoingView, FieldView } from '../../protocol.ts'

/** A button for everything that can be done to something; one that needs to know more opens a form. */
export function DoingButtons(props: {
  readonly doings: readonly DoingView[]
  readonly id: string
  readonly folders: readonly BoxItem[]
  /** Whether it was done. */
  readonly onDo: (name: string, input: Readonly<Record<string, string>>) => Promise<boolean>
  readonly label?: string
}) {
  const { doings, id, onDo, label } = props
  const [opened, setOpened] = useState<string>()
  const doing = doings.find(({ name }) => name === opened)
  if (doings.length === 0) return null
  return (
    <div class="doings">
      {label && <h3>{label}</h3>}
      <div class="actions">
        {doings.map(({ name, label, fields, triggers, hint }) => (
          <button
            type="button"
            key={name}
            class="small"
            title={hint || (triggers.length > 0 ? `Box tells of it with ${triggers.join(', ')}` : undefined)}
            aria-expanded={fields.length > 0 ? name === opened : undefined}
            onClick={() =>
              fields.length > 0 ? setOpened(name === opened ? undefined : name) : onDo(name, { id })
            }
          >
            {label}
            {fields.length > 0 ? ' …' : ''}
          </button>
        ))}
      </div>
      {doing && (
        <DoingForm
          key={doing.name}
          doing={doing}
          folders={props.folders}
          onSubmit={async input => {
            if (await onDo(doing.name, { id, ...input })) setOpened(undefined)
          }}
        />
      )}
    </div>
  )
}

function DoingForm(props: {
  readonly doing: DoingView
  readonly folders: readonly BoxItem[]
  readonly onSubmit: (input: Readonly<Record<string, string>>) => Promise<void>
}) {
  const { doing, onSubmit } = props
  const [values, setValues] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(doing.fields.map(field => [field.name, firstOf(field, props.folders)])),
  )
  return (
    <form
      aria-label={doing.label}
      class="doing-form"
      onSubmit={event => {
        event.preventDefault()
        void onSubmit(values)
      }}
    >
      {doing.hint && <p class="quiet">{doing.hint}</p>}
      {doing.fields.map(field => (
        <p key={field.name}>
          <label for={`field-${field.name}`}>{field.label}</label>
          <Field
            field={field}
            folders={props.folders}
            value={values[field.name] ?? ''}
            onChange={value => setValues({ ...values, [field.name]: value })}
          />
        </p>
      ))}
      <button type="submit">{doing.label}</button>
    </form>
  )
}

const firstOf = ({ kind, usual, options }: FieldView, folders: readonly BoxItem[]): string =>
  usual ??
  (kind === 'folder' ? (folders.find(({ type }) => type === 'folder')?.id ?? '') : (options?.[0] ?? ''))

function Field(props: {
  readonly field: FieldView
  readonly folders: readonly BoxItem[]
  readonly value: string
  readonly onChange: (value: string) => void
}) {
  const { field, value, onChange } = props
  const id = `field-${field.name}`
  const options =
    field.kind === 'folder'
      ? props.folders
          .filter(({ type, trashed }) => type === 'folder' && !trashed)
          .map(({ id, name }) => [id, name])
      : (field.options ?? []).map(option => [option, option])
  if (field.kind === 'folder' || field.kind === 'select')
    return (
      <select id={id} value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        {options.map(([chosen, name]) => (
          <option key={chosen} value={chosen}>
            {name}
          </option>
        ))}
      </select>
    )
  return (
    <input id={id} type="text" value={value} onInput={({ currentTarget }) => onChange(currentTarget.value)} />
  )
}
