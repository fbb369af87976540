import type { Target } from '../../lib/event.ts'
import type { ReconcileReport } from '../../lib/reconcile.ts'
import type { RequestError, ShownWebhook, WebhookAnswer, WebhookRequest } from '../../lib/webhook-request.ts'
import type { Place } from '../place/place.ts'
import { confirm } from '../terminal/confirm.ts'
import { askReconcile } from './reconcile.ts'
import { plansDeletion, reportText, webhookTable } from './webhook-text.ts'

/** What was asked is not possible; the message says why, and what to do. */
export class WebhooksFailed extends Error {
  override readonly name = 'WebhooksFailed'
}

export type WebhookOptions = {
  readonly place: Place
  /** Prints what the function answered, for programs. */
  readonly json?: boolean
}

export type Writing = WebhookOptions & { readonly yes?: boolean }

/**
 * Shows what reconciling would do.
 * @param options.check lets the exit code be 2 where there is anything to do
 */
export async function plan(options: WebhookOptions & { readonly check?: boolean }): Promise<void> {
  const report = await reportOf(options, { action: 'plan' })
  show(options, report, reportText(report))
  if (report.error || report.problems.length > 0) process.exitCode = 1
  else if (options.check && !report.inStep) process.exitCode = 2
}

/** Makes the webhooks those that the automations declare. Where some are to be deleted, asks first. */
export async function apply(options: Writing): Promise<void> {
  if (!options.yes) {
    const planned = await reportOf(options, { action: 'plan' })
    if (plansDeletion(planned)) {
      process.stderr.write(`${reportText(planned)}\n`)
      await confirm('Carry this out?', NOBODY)
    }
  }
  const report = await reportOf(options, { action: 'apply' })
  show(options, report, reportText(report))
  if (!report.inStep) process.exitCode = 1
}

/** Lists every webhook of the Box application, other stages' included. */
export const list = (options: WebhookOptions): Promise<void> => ask(options, { action: 'list' })

export const get = (id: string, options: WebhookOptions): Promise<void> => ask(options, { action: 'get', id })

export type Fields = {
  readonly folder?: string
  readonly file?: string
  readonly on?: readonly string[]
  readonly address?: string
}

/** Makes one webhook by hand. */
export function create(options: WebhookOptions & Fields): Promise<void> {
  const target = targetOf(options)
  if (!target) throw new WebhooksFailed('Say what the webhook is for: --folder ID or --file ID.')
  if (!options.on) throw new WebhooksFailed('Say which triggers it has: --on FILE.UPLOADED, once for each.')
  return ask(options, { action: 'create', target, triggers: options.on, ...addressOf(options) })
}

/** Changes one webhook by hand: just the fields that are given. */
export function update(id: string, options: WebhookOptions & Fields): Promise<void> {
  const target = targetOf(options)
  const change = {
    ...(target ? { target } : {}),
    ...(options.on ? { triggers: options.on } : {}),
    ...addressOf(options),
  }
  if (Object.keys(change).length === 0)
    throw new WebhooksFailed('Say what to change: --on TRIGGER, --address URL, --folder ID or --file ID.')
  return ask(options, { action: 'update', id, ...change })
}

/** Deletes one webhook by hand, after showing it. */
export async function remove(id: string, options: Writing): Promise<void> {
  if (!options.yes) {
    process.stderr.write(`${webhookTable(await webhooksOf(options, { action: 'get', id }))}\n`)
    await confirm('Delete this webhook?', NOBODY)
  }
  await ask(options, { action: 'delete', id })
}

function targetOf({ folder, file }: Fields): Target | undefined {
  if (folder !== undefined && file !== undefined)
    throw new WebhooksFailed('A webhook has one target: give --folder or --file, not both.')
  if (folder !== undefined) return { type: 'folder', id: folder }
  return file === undefined ? undefined : { type: 'file', id: file }
}

const addressOf = ({ address }: Fields) => (address === undefined ? {} : { address })

async function ask(options: WebhookOptions, request: WebhookRequest): Promise<void> {
  const webhooks = await webhooksOf(options, request)
  show(options, request.action === 'list' ? webhooks : webhooks[0], webhookTable(webhooks))
}

function show({ json }: WebhookOptions, value: unknown, text: string): void {
  console.log(json ? JSON.stringify(value, null, 2) : text)
}

async function reportOf({ place }: WebhookOptions, request: WebhookRequest): Promise<ReconcileReport> {
  const answer = await askReconcile(place, request)
  if (answer.ok && 'report' in answer) return answer.report
  throw refused(answer)
}

async function webhooksOf(
  { place }: WebhookOptions,
  request: WebhookRequest,
): Promise<readonly ShownWebhook[]> {
  const answer = await askReconcile(place, request)
  if (answer.ok && 'webhooks' in answer) return answer.webhooks
  throw refused(answer)
}

const refused = (answer: WebhookAnswer): WebhooksFailed =>
  new WebhooksFailed(
    answer.ok ? 'The function answered something else. Deploy again.' : errorText(answer.error),
  )

const NOBODY =
  'This deletes webhooks, and nobody is there to ask. Look at the plan, then repeat the command with --yes.'

/** An error with all that Box said. */
function errorText({ message, field, boxMessage }: RequestError): string {
  return [field === undefined ? message : `${field}: ${message}`, boxMessage && `Box says: ${boxMessage}`]
    .filter(Boolean)
    .join('\n')
}
