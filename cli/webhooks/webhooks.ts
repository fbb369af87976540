import type { Target } from '../../lib/event/event.ts'
import type { ReconcileReport } from '../../lib/webhooks/reconcile.ts'
import type {
  RequestError,
  ShownWebhook,
  WebhookAnswer,
  WebhookRequest,
} from '../../lib/webhooks/webhook-request.ts'
import { askReconcile } from '../stage/invoke.ts'
import type { StageRef } from '../stage/stage-ref.ts'
import { reportText } from '../stage/webhook-report.ts'
import { CommandError, usageError } from '../terminal/command-error.ts'
import { confirm } from '../terminal/confirm.ts'
import type { Shell } from '../terminal/shell.ts'
import { plansDeletion, webhookTable } from './webhooks-text.ts'

export type WebhookOptions = {
  readonly ref: StageRef
  /** Prints what the function answered, for programs. */
  readonly json?: boolean
}

export type Writing = WebhookOptions & { readonly yes?: boolean }

/**
 * Shows what apply would change.
 * @param options.check lets the exit code be 2 where there is anything to do
 */
export async function plan(
  shell: Shell,
  options: WebhookOptions & { readonly check?: boolean },
): Promise<void> {
  const report = await reportOf(options, { action: 'plan' })
  await show(shell, options, report, reportText(report))
  if (report.error || report.problems.length > 0) shell.exitCode = 1
  else if (options.check && !report.inStep) shell.exitCode = 2
}

/** Makes Box's webhooks match what the automations declare. Asks first where that deletes any. */
export async function apply(shell: Shell, options: Writing): Promise<void> {
  if (!options.yes) {
    const planned = await reportOf(options, { action: 'plan' })
    if (plansDeletion(planned)) {
      shell.printError(reportText(planned))
      await confirm(shell, 'Apply this?', NOT_INTERACTIVE)
    }
  }
  const report = await reportOf(options, { action: 'apply' })
  await show(shell, options, report, reportText(report))
  if (!report.inStep) shell.exitCode = 1
}

/** Lists every webhook of the Box application, other stages' included. */
export const list = (shell: Shell, options: WebhookOptions): Promise<void> =>
  ask(shell, options, { action: 'list' })

export const get = (shell: Shell, id: string, options: WebhookOptions): Promise<void> =>
  ask(shell, options, { action: 'get', id })

export type Fields = {
  readonly folder?: string
  readonly file?: string
  readonly on?: readonly string[]
  readonly address?: string
}

/** Creates one webhook by hand. */
export function create(shell: Shell, options: WebhookOptions & Fields): Promise<void> {
  const target = targetOf(options)
  if (!target) throw usageError('Specify the item to watch: --folder ID or --file ID.')
  if (!options.on) throw usageError('Specify the triggers: --on FILE.UPLOADED, once for each.')
  return ask(shell, options, { action: 'create', target, triggers: options.on, ...addressOf(options) })
}

/** Changes one webhook by hand: just the fields that are given. */
export function update(shell: Shell, id: string, options: WebhookOptions & Fields): Promise<void> {
  const target = targetOf(options)
  const change = {
    ...(target ? { target } : {}),
    ...(options.on ? { triggers: options.on } : {}),
    ...addressOf(options),
  }
  if (Object.keys(change).length === 0)
    throw usageError('Specify what to change: --on TRIGGER, --address URL, --folder ID or --file ID.')
  return ask(shell, options, { action: 'update', id, ...change })
}

/** Deletes one webhook by hand, after showing it. */
export async function remove(shell: Shell, id: string, options: Writing): Promise<void> {
  if (!options.yes) {
    shell.printError(webhookTable(await webhooksOf(options, { action: 'get', id })))
    await confirm(shell, 'Delete this webhook?', NOT_INTERACTIVE)
  }
  await ask(shell, options, { action: 'delete', id })
}

function targetOf({ folder, file }: Fields): Target | undefined {
  if (folder !== undefined && file !== undefined)
    throw usageError('A webhook has one target: specify --folder or --file, not both.')
  if (folder !== undefined) return { type: 'folder', id: folder }
  return file === undefined ? undefined : { type: 'file', id: file }
}

const addressOf = ({ address }: Fields) => (address === undefined ? {} : { address })

async function ask(shell: Shell, options: WebhookOptions, request: WebhookRequest): Promise<void> {
  const webhooks = await webhooksOf(options, request)
  await show(shell, options, request.action === 'list' ? webhooks : webhooks[0], webhookTable(webhooks))
}

async function show({ print }: Shell, { json }: WebhookOptions, value: unknown, text: string): Promise<void> {
  await print(json ? JSON.stringify(value, null, 2) : text)
}

async function reportOf({ ref }: WebhookOptions, request: WebhookRequest): Promise<ReconcileReport> {
  const answer = await askReconcile(ref, request)
  if (answer.ok && 'report' in answer) return answer.report
  throw createError(answer)
}

async function webhooksOf(
  { ref }: WebhookOptions,
  request: WebhookRequest,
): Promise<readonly ShownWebhook[]> {
  const answer = await askReconcile(ref, request)
  if (answer.ok && 'webhooks' in answer) return answer.webhooks
  throw createError(answer)
}

const createError = (answer: WebhookAnswer): CommandError =>
  new CommandError(
    answer.ok
      ? 'The function is of another version than this clone. Deploy the stage again.'
      : errorText(answer.error),
  )

const NOT_INTERACTIVE =
  'This deletes webhooks. Not a terminal, so nothing was changed. Check the plan, then add --yes.'

/** Formats an error with all that Box said. */
function errorText({ message, field, boxMessage }: RequestError): string {
  return [field === undefined ? message : `${field}: ${message}`, boxMessage && `Box says: ${boxMessage}`]
    .filter(Boolean)
    .join('\n')
}
