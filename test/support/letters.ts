import { describeBody, type Failure, type Message } from '../../lib/queue/message.ts'
import { boxEvent } from '../kit.ts'
import { countedIds } from './counted-ids.ts'

const HOUR_MS = 3_600_000

const newId = countedIds('letter')

/** What of a dead letter matters to a test. */
export type Letter = {
  id?: string
  code?: string
  automations?: string[]
  ageHours?: number
  padding?: string
}

/** A message as automate puts it on the dead-letter queue. */
export function letterOf({
  id = newId(),
  code = 'box_not_found',
  automations = ['a'],
  ...more
}: Letter): Message & { readonly failure: Failure } {
  const { ageHours = 1, padding = '' } = more
  const body = Buffer.from(JSON.stringify({ ...boxEvent('FILE.UPLOADED', { id }), padding }))
  const failure: Failure = {
    code,
    message: 'Box says no.',
    at: new Date(Date.now() - ageHours * HOUR_MS).toISOString(),
    redrives: 0,
    automations: automations.map(name => ({ name, code, message: 'Box says no.', attempts: 3, redrives: 0 })),
  }
  const receivedAt = '2026-11-22T10:00:00.000Z'
  return { ...describeBody(body), deliveryId: 'd1', receivedAt, origin: 'webhook', body, failure }
}
