import type { Clock } from '../base/clock.ts'
import { AutomationError } from '../base/errors.ts'
import { isObject } from '../base/json.ts'
import type { Box } from '../box/box.ts'
import type { Target } from '../event/event.ts'
import { ACCOUNT, targetText } from '../event/target.ts'
import { type ReportedError, reportedError } from './reconcile.ts'
import { AT_ONCE } from './webhook-calls.ts'

/** Something that Box was asked for: its answer, or why there is none. */
export type Learnt<T extends object> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly error: ReportedError }

/** What the app may do with a watched item. Undefined where Box does not say. */
type ItemRights = { readonly canUpload?: boolean; readonly canChange?: boolean }

/** What a stage's Box app can do, as Box tells the function. Plain JSON. */
export type BoxCheck = {
  /** What the function was deployed from, as lib/webhooks/reconcile-function.ts reads it; null where nothing tells. */
  readonly version: string | null
  /** The automations that the function was deployed with. */
  readonly automations: readonly DeployedAutomation[]
  /** Whom the app acts as. Where no token is to be had, nothing further is asked. */
  readonly account: Learnt<{ readonly id: string; readonly name: string; readonly login: string }>
  /** Whether the app may see its webhooks, for which it needs a scope. */
  readonly webhooks?: Learnt<object>
  /** Whether the events of the whole enterprise can be read, for which the app needs a scope and rights. */
  readonly adminEvents?: Learnt<object>
  readonly targets?: readonly (Learnt<ItemRights> & { readonly target: Target })[]
  /** The function's time, and Box's at that moment by the header Date; milliseconds since the epoch. */
  readonly clock: { readonly at: number; readonly boxAt?: number }
}

export type DeployedAutomation = {
  readonly name: string
  readonly on: readonly string[]
  readonly watch: readonly Target[]
}

export type BoxCheckInput = {
  readonly box: Box
  /** https://api.box.com, or an emulated Box. */
  readonly apiUrl: string
  readonly clock: Clock
  readonly version: string | undefined
  readonly automations: readonly DeployedAutomation[]
}

/**
 * Finds out what the Box app of a stage can do, and changes nothing: four calls, and one for each watched item. No call is
 * repeated; what Box does not answer is told as such.
 * @throws what is no failure of Box
 */
export async function checkBox(input: BoxCheckInput): Promise<BoxCheck> {
  const { version = null, automations, clock } = input
  const { account, boxAt } = await askAccount(input)
  const at = clock.now()
  const told = {
    version,
    automations,
    account,
    clock: { at, ...(boxAt === undefined ? {} : { boxAt }) },
  }
  if (!account.ok && NO_TOKEN.has(account.error.code)) return told
  const [webhooks, adminEvents, targets] = await Promise.all([
    mayAsk(() => input.box.webhooks.getWebhooks({ limit: 1 })),
    mayAsk(() => get(input, '/2.0/events', { stream_type: 'admin_logs', limit: '1' })),
    askTargets(input),
  ])
  return { ...told, webhooks, adminEvents, targets }
}

const NO_TOKEN: ReadonlySet<string> = new Set([
  'box_auth',
  'box_app_secret_invalid',
  'box_app_secret_unavailable',
])

/** @see https://developer.box.com/reference/get-users-me/ */
async function askAccount(
  input: BoxCheckInput,
): Promise<{ readonly account: BoxCheck['account']; readonly boxAt?: number }> {
  let boxAt: number | undefined
  const account = await learn(async () => {
    const { data, headers } = await get(input, '/2.0/users/me', { fields: 'id,name,login' })
    // The header has whole seconds, so on average it is half a second behind.
    const date = Date.parse(headers.date ?? '')
    if (Number.isFinite(date)) boxAt = date + 500
    const { id, name, login } = isObject(data) ? data : {}
    return { id: textOf(id), name: textOf(name), login: textOf(login) }
  })
  return { account, ...(boxAt === undefined ? {} : { boxAt }) }
}

async function askTargets(input: BoxCheckInput): Promise<NonNullable<BoxCheck['targets']>> {
  const watched = new Map(
    input.automations
      .flatMap(({ watch }) => watch)
      .filter(target => targetText(target) !== targetText(ACCOUNT))
      .map(target => [targetText(target), target]),
  )
  const found = new Map<string, Learnt<ItemRights>>()
  const waiting = watched.entries()
  const work = async () => {
    for (const [key, target] of waiting) found.set(key, await learn(() => askRights(input, target)))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return [...watched].flatMap(([key, target]) => {
    const learnt = found.get(key)
    return learnt ? [{ target, ...learnt }] : []
  })
}

/** @see https://developer.box.com/reference/get-folders-id/ (permissions) */
async function askRights(input: BoxCheckInput, { type, id }: Target): Promise<ItemRights> {
  const { data } = await get(input, `/2.0/${type}s/${encodeURIComponent(id)}`, { fields: 'id,permissions' })
  const rights = isObject(data) && isObject(data.permissions) ? data.permissions : {}
  const { can_upload: canUpload, can_rename: canChange } = rights
  return {
    ...(typeof canUpload === 'boolean' ? { canUpload } : {}),
    ...(typeof canChange === 'boolean' ? { canChange } : {}),
  }
}

/** The SDK's own call, whose answer has its headers. */
const get = ({ box, apiUrl }: BoxCheckInput, path: string, params: Readonly<Record<string, string>>) =>
  box.makeRequest({ method: 'GET', url: `${apiUrl}${path}`, params })

/** Whether Box answers at all, whatever it says. */
const mayAsk = (ask: () => Promise<unknown>): Promise<Learnt<object>> =>
  learn(async () => {
    await ask()
    return {}
  })

async function learn<T extends object>(ask: () => Promise<T>): Promise<Learnt<T>> {
  try {
    return { ok: true, ...(await ask()) }
  } catch (error) {
    if (error instanceof AutomationError) return { ok: false, error: reportedError(error) }
    if (error instanceof Error && error.name === 'TimeoutError') return { ok: false, error: LATE }
    throw error
  }
}

const LATE: ReportedError = {
  code: 'run_timed_out',
  message: 'Box did not answer in time. Ask again; see https://status.box.com where it stays so.',
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
