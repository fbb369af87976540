import { useState } from 'preact/hooks'
import type { DeliveryEntry } from '../../../journal.ts'
import type { VerdictStep } from '../../verdict.ts'
import { Code, clockText, pretty } from '../parts.tsx'

/** One request at ingest: what was sent, how it was judged, and what it was answered. */
export function DeliveryCard({ delivery }: { readonly delivery: DeliveryEntry }) {
  const { deliveryId, headers, body, status, answer, attempt, at, ms, method, path, verdict } = delivery
  const [raw, setRaw] = useState(false)
  const good = status >= 200 && status < 300
  return (
    <details class="delivery">
      <summary>
        <span class={good ? 'good' : 'bad'}>
          {status || 'no answer'} {codeOf(answer)}
        </span>{' '}
        <span class="quiet">
          {clockText(at)}, {attempt > 0 ? `attempt ${attempt}, ` : ''}
          {ms} ms, delivery {deliveryId || 'without an id'}
        </span>
      </summary>
      {verdict && <Verdict steps={verdict} />}
      <h4>Answer</h4>
      <Code label="Answer" text={pretty(answer)} />
      {method && (
        <>
          <h4>Request</h4>
          <Code label="Request line and headers" text={requestText(method, path, headers)} />
        </>
      )}
      <h4>
        Body{' '}
        <button type="button" class="small" aria-pressed={raw} onClick={() => setRaw(!raw)}>
          {raw ? 'Show it set out' : 'Show it as it came'}
        </button>
      </h4>
      <Code label="Body" text={raw ? body : pretty(body)} />
    </details>
  )
}

const requestText = (method: string, path: string, headers: Readonly<Record<string, string>>): string =>
  [`${method} ${path}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].join('\n')

function Verdict({ steps }: { readonly steps: readonly VerdictStep[] }) {
  return (
    <>
      <h4>Signature</h4>
      <ol class="verdict">
        {steps.map(({ rule, ok, text }) => (
          <li key={rule} class={ok === undefined ? 'plain' : ok ? 'good' : 'bad'}>
            <span aria-hidden="true">{ok === undefined ? '–' : ok ? '✓' : '✗'}</span> <strong>{rule}</strong>{' '}
            {text}
          </li>
        ))}
      </ol>
    </>
  )
}

function codeOf(answer: string): string {
  try {
    return String(JSON.parse(answer).code ?? '')
  } catch {
    return ''
  }
}
