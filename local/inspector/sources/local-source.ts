import type { ManifestEntry } from '../../../infra/build/manifest.ts'
import type { SignatureKeys } from '../../../lib/ingest/signature.ts'
import type { Ledger } from '../../../lib/ledger/ledger.ts'
import type { DeadLetters } from '../../../lib/operations/dead-letters.ts'
import type { Aws } from '../../aws/aws.ts'
import type { Journal } from '../../journal.ts'
import type { GatewayAnswer } from '../../runtime/gateway.ts'
import { listDeadLetters } from '../actions/dead-letter-actions.ts'
import type { InspectorSource } from '../inspector.ts'
import { explain, type VerdictStep } from '../verdict.ts'

export type LocalParts = {
  readonly aws: Pick<Aws, 'depth' | 'queueUrl' | 'deadLetterQueueUrl'>
  readonly ledger: Pick<Ledger, 'read'>
  readonly deadLetters: DeadLetters
  readonly journal: Journal
  readonly webhookUrl: string
  readonly manifest: () => readonly ManifestEntry[]
}

/** What the page shows of the stack on this machine. */
export const localSource = ({
  aws,
  ledger,
  deadLetters,
  journal,
  webhookUrl,
  manifest,
}: LocalParts): InspectorSource => ({
  about: () => ({
    stage: 'local',
    readOnly: false,
    webhookUrl,
    automations: manifest().map(({ name, on }) => ({ name, on })),
    eventsMax: journal.eventsMax,
  }),
  journal,
  record: eventId => ledger.read(eventId),
  queues: async () => ({
    queue: await aws.depth(aws.queueUrl),
    deadLetters: await aws.depth(aws.deadLetterQueueUrl),
  }),
  deadLetters: () => listDeadLetters(deadLetters),
})

/**
 * What the journal is told of a request at ingest: with the steps of its signature's check, and without the tokens of
 * V1 callbacks.
 */
export function heard(
  answer: GatewayAnswer,
  keys: SignatureKeys,
  tokens: SignatureKeys,
  ageMaxSeconds: number,
): [answer: GatewayAnswer, verdict?: readonly VerdictStep[]] {
  const { requestBytes: body, headers, at: receivedAt, path } = answer
  if (!path.startsWith('/box/v1'))
    return [answer, explain({ body, headers, keys, receivedAt, ageMaxSeconds })]
  const hidden = (text: string): string => {
    let shown = text
    for (const token of [tokens.primary, tokens.secondary]) if (token) shown = shown.replaceAll(token, '…')
    return shown
  }
  return [{ ...answer, path: hidden(path), requestBody: hidden(answer.requestBody) }]
}
