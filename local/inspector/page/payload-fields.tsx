import { useState } from 'preact/hooks'
import { fieldsOf, type JsonObject, type PayloadField, readField, withField } from '../payload-form.ts'

/** A payload as a form: a field of its own kind for each value, those that are told apart first, the rest folded away. */
export function PayloadFields(props: {
  readonly payload: JsonObject
  readonly template: JsonObject
  readonly onChange: (payload: JsonObject) => void
}) {
  const { payload, template, onChange } = props
  const fields = fieldsOf(payload, template)
  const more = fields.filter(field => !isFirst(field))
  const draw = (field: PayloadField) => (
    <PayloadInput
      key={`${field.kind} ${field.path.join('.')}`}
      field={field}
      onValue={value => onChange(withField(payload, field.path, value))}
    />
  )
  return (
    <div class="payload-fields">
      {fields.filter(isFirst).map(draw)}
      {more.length > 0 && (
        <details>
          <summary>{more.length} more fields</summary>
          {more.map(draw)}
        </details>
      )}
    </div>
  )
}

/** What a person would change: of the event, who did it, what it is about and what is said beside. */
function isFirst({ path }: PayloadField): boolean {
  const [group, name = ''] = path
  if (group === 'created_by') return name === 'login' || name === 'id'
  if (group === 'source') return path.length === 2 ? !BESIDE.has(name) : name === 'item' && path.length === 3
  return true
}

/** Fields of a source that seldom matter. */
const BESIDE: ReadonlySet<string> = new Set([
  ...['sequence_id', 'etag', 'sha1', 'description', 'created_at', 'modified_at', 'content_created_at'],
  ...['content_modified_at', 'trashed_at', 'purged_at', 'folder_upload_email', '$typeVersion', '$version'],
])

function PayloadInput(props: {
  readonly field: PayloadField
  readonly onValue: (value: PayloadField['value']) => void
}) {
  const { field, onValue } = props
  // What is being typed and is no value yet.
  const [typed, setTyped] = useState<string>()
  const name = field.path.join('.')
  const id = `payload ${name}`
  const read = typed === undefined ? undefined : readField(field, typed)
  const put = (text: string): void => {
    const value = readField(field, text)
    setTyped(value.ok ? undefined : text)
    if (value.ok) onValue(value.value)
  }
  const text = typed ?? textOf(field)
  return (
    <div class="payload-field">
      <label for={id}>{name}</label>
      {field.kind === 'choice' || field.kind === 'flag' ? (
        <select id={id} value={text} onChange={({ currentTarget }) => put(currentTarget.value)}>
          {optionsOf(field).map(option => (
            <option key={option} value={option}>
              {option === '' ? 'null' : option}
            </option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          type="text"
          inputMode={field.kind === 'number' ? 'decimal' : undefined}
          placeholder={field.nullable ? 'null' : ''}
          spellcheck={false}
          value={text}
          aria-invalid={read?.ok === false}
          onInput={({ currentTarget }) => put(currentTarget.value)}
        />
      )}
      {read?.ok === false && <span class="bad">{read.problem}</span>}
    </div>
  )
}

function textOf({ value, kind }: PayloadField): string {
  if (value === null) return ''
  return kind === 'list' ? JSON.stringify(value) : String(value)
}

function optionsOf(field: PayloadField): readonly string[] {
  const known = field.kind === 'flag' ? ['true', 'false'] : field.options
  const text = textOf(field)
  return [...new Set([...(field.nullable ? [''] : []), ...known, ...(text === '' ? [] : [text])])]
}
