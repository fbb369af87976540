import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../../lib/base/clock.ts'
import type { SignatureKeys } from '../../../lib/ingest/signature.ts'
import { burst, FORGED } from '../../box/actions/scenarios.ts'
import type { EmulatedBox } from '../../box/emulated-box.ts'
import type { Attempt } from '../../box/events/delivery.ts'
import { samplePayload } from '../../box/events/payload.ts'
import type { Fault } from '../../box/state/faults.ts'
import type { Webhook } from '../../box/state/webhooks.ts'
import type { Journal } from '../../journal.ts'
import type { Lambda } from '../../runtime/lambda.ts'
import type { Poller } from '../../runtime/poller.ts'
import type { ActionResult } from '../protocol.ts'
import type { Action } from './action.ts'
import { ActionRefused } from './action.ts'

export type PromiseParts = {
  readonly box: EmulatedBox
  readonly journal: Journal
  readonly automate: Pick<Lambda, 'kill' | 'limit'>
  readonly poller: Pick<Poller, 'hurry'>
  readonly ourKeys: () => SignatureKeys
  /** Stores keys where ingest reads them. */
  readonly setOurKeys: (keys: SignatureKeys) => Promise<void>
}

/** How long the worker that is to be killed has its event's lease at most, in milliseconds; it is a minute elsewhere. */
const KILLED_LIMIT_MS = 8000

/** How long a worker may take to come to its call to Box, in milliseconds. */
const CALL_MS_MAX = 15_000

const BURST = 500
const BURST_MAX = 10_000

/** How long ingest keeps to the keys that it has read before it reads them anew, in milliseconds, and a little more. */
const KEYS_KEPT_MS = 10_500

/** How long to wait until nothing is under way, in milliseconds. */
const QUIET_MS_MAX = 5000

/** How many deliveries of a burst are under way at a time. */
const BURST_WIDTH = 10

/** Each makes something go wrong on purpose, so that what boxhooks promises about it is seen. */
export function promises(parts: PromiseParts): Readonly<Record<string, Action>> {
  const { box } = parts
  return {
    'fail-once': () => withFault(parts, { times: 1, status: 503 }, 'Box fails once: the run is tried again.'),
    'fail-for-good': () =>
      withFault(parts, { times: 1, status: 403 }, 'Box forbids it: the event goes to the dead letters.'),
    'bad-signature': () => forge(parts),
    'rotate-keys': () => rotate(parts),
    'kill-worker': () => killWorker(parts),
    'pause-box': ({ on = 'true' }) => pause(box, on === 'true'),
    burst: ({ count = String(BURST), perSecond = '' }) => burstOf(parts, count, perSecond),
    'show-main-job': () => showMainJob(parts),
  }
}

/** What a promise is shown on: one event, and the item that its run asks Box about, where that is known. */
type Shown = { readonly itemPath?: RegExp; readonly fire: () => Promise<Attempt> }

/**
 * A file with a shared link, in a folder whose webhook tells of downloads, is what everybody has seen before. Where no
 * automation watches that, it is a sample of whatever the first webhook is told of.
 */
async function stage(parts: PromiseParts, name = PROMISED): Promise<Shown> {
  const { box } = parts
  const webhooks = [...box.webhooks.all.values()]
  const downloads = webhooks.find(
    ({ target, triggers }) => target.type === 'folder' && triggers.includes('FILE.DOWNLOADED'),
  )
  if (downloads) return downloadIn(parts, downloads, name)
  const [first] = webhooks
  if (!first) throw new ActionRefused('There is no webhook yet. Write an automation, or make a webhook.')
  return { fire: () => box.sendCustom({ address: first.address, body: sampleFor(first) }, { retry: false }) }
}

async function downloadIn(parts: PromiseParts, { target }: Webhook, name: string): Promise<Shown> {
  const { content } = parts.box
  const known = content.items(target.id).find(one => one.type === 'file' && one.name === name)
  const { id } = known ?? content.createFile({ parentId: target.id, name, content: 'A promise.' })
  content.updateFile(id, { sharedLink: { access: 'open' } })
  // What its upload sets off must not run into what is about to go wrong.
  await quiet(parts)
  return {
    itemPath: new RegExp(`^/2\\.0/files/${id}$`),
    fire() {
      content.downloadFile(id)
      return firstAttempt(parts.box, parts.box.sent.at(-1)?.eventId)
    },
  }
}

const PROMISED = 'promise.pdf'
const FIRST_SEEN = 'contract.pdf'

const UNDER_WAY: ReadonlySet<string> = new Set(['queued', 'running'])

/** Waits until nothing is under way, or for as long as one likes to wait for it. */
async function quiet({ box, journal }: PromiseParts): Promise<void> {
  await box.settled()
  const until = Date.now() + QUIET_MS_MAX
  while (journal.events.some(({ status }) => UNDER_WAY.has(status)) && Date.now() < until) await delay(20)
}

/** Waits for the attempt that is under way of an event. */
function firstAttempt(box: EmulatedBox, eventId: string | undefined): Promise<Attempt> {
  return new Promise(resolve => {
    const stop = box.on(notice => {
      if (notice.kind !== 'attempt' || notice.attempt.eventId !== eventId) return
      stop()
      resolve(notice.attempt)
    })
  })
}

function sampleFor({ id, triggers }: Webhook) {
  const [trigger = 'FILE.DOWNLOADED'] = triggers
  return samplePayload(trigger, { id: randomUUID(), webhookId: id, createdAt: new Date().toISOString() })
}

async function withFault(parts: PromiseParts, fault: Fault, message: string): Promise<ActionResult> {
  const { itemPath, fire } = await stage(parts)
  parts.box.faults.push({ ...fault, ...(itemPath ? { path: itemPath } : {}) })
  const { eventId } = await fire()
  return { message, eventId }
}

async function forge(parts: PromiseParts): Promise<ActionResult> {
  const { box } = parts
  const last = box.sent.at(-1) ?? (await (await stage(parts)).fire())
  const { status } = await box.deliveries.send(last, { retry: false, keys: FORGED })
  return {
    message: `A forged delivery was answered ${status}, and nothing was queued.`,
    eventId: last.eventId,
  }
}

/**
 * One key after the other is reset on Box and stored here, with a delivery in between: one signature always matches. Between
 * the two ingest gets the time to learn of the first.
 */
async function rotate(parts: PromiseParts): Promise<ActionResult> {
  const { box } = parts
  const answers: string[] = []
  let eventId: string | undefined
  const deliver = async (when: string): Promise<void> => {
    const { fire } = await stage(parts)
    const attempt = await fire()
    eventId = attempt.eventId
    answers.push(`${when}: ${attempt.status || 'no answer'}`)
  }
  await deliver('before')
  for (const key of ['secondary', 'primary'] as const) {
    const fresh = box.resetKey(key)
    await deliver(`${key} key reset on Box`)
    await parts.setOurKeys({ ...parts.ourKeys(), [key]: fresh })
    await deliver(`${key} key stored here`)
    if (key === 'secondary') await delay(KEYS_KEPT_MS)
  }
  return { message: `Both keys are new. ${answers.join('; ')}.`, ...(eventId ? { eventId } : {}) }
}

/** Waits until the run hangs in its call to Box, and ends its Lambda there. */
async function killWorker(parts: PromiseParts): Promise<ActionResult> {
  const { box, automate, poller } = parts
  const { itemPath, fire } = await stage(parts)
  const hang: Fault = { times: 1, status: 'timeout', ...(itemPath ? { path: itemPath } : {}) }
  box.faults.push(hang)
  automate.limit(KILLED_LIMIT_MS)
  try {
    const { eventId } = await fire()
    const giveUpAt = Date.now() + CALL_MS_MAX
    while (hang.times > 0 && Date.now() < giveUpAt) await delay(20)
    if (hang.times > 0)
      throw new ActionRefused('No automation called Box, so there is no run to be killed in the middle.')
    poller.hurry(1)
    await automate.kill()
    const killed = { time: new Date().toISOString(), level: 'error', event: 'worker_killed', eventId }
    parts.journal.line('automate', JSON.stringify(killed))
    const message =
      'The worker was killed in the middle of its call to Box. Another takes the event over when its lease has ended (after at most a minute on AWS, and when SQS hands it out again; within some seconds here).'
    return { message, eventId }
  } finally {
    automate.limit(undefined)
    hang.times = 0
  }
}

const PAUSED: Fault = { times: Number.POSITIVE_INFINITY, status: 503, retryAfterSeconds: 2 }

function pause(box: EmulatedBox, on: boolean): ActionResult {
  const at = box.faults.indexOf(PAUSED)
  if (on && at < 0) box.faults.unshift(PAUSED)
  if (!on && at >= 0) box.faults.splice(at, 1)
  return {
    message: on
      ? 'Box’s API answers 503 to everything. Runs wait, and nothing is lost.'
      : 'Box’s API is back. What waited goes on by itself.',
  }
}

export const isPaused = (box: EmulatedBox): boolean => box.faults.includes(PAUSED)

/** What the README tells of: a file with a shared link is downloaded, and its link goes. */
async function showMainJob(parts: PromiseParts): Promise<ActionResult> {
  const { fire } = await stage(parts, FIRST_SEEN)
  const { eventId, status } = await fire()
  const message = `${FIRST_SEEN} was downloaded through its shared link, and the delivery was answered ${status || 'nothing'}. Watch the link go.`
  return { message, eventId }
}

/**
 * Many downloads, each an event of its own.
 * @param rate how many a second; empty for as many as are taken
 */
async function burstOf(parts: PromiseParts, many: string, rate: string): Promise<ActionResult> {
  const count = Number(many)
  if (!Number.isInteger(count) || count < 1 || count > BURST_MAX)
    throw new ActionRefused(`A burst has from 1 to ${BURST_MAX} deliveries.`)
  const perSecond = rate === '' ? Number.POSITIVE_INFINITY : Number(rate)
  if (!(perSecond >= 1) || (rate !== '' && perSecond > BURST_MAX))
    throw new ActionRefused(`A burst has from 1 to ${BURST_MAX} deliveries a second.`)
  const { fire } = await stage(parts)
  const startedAt = performance.now()
  const attempts = await burst({ clock: systemClock, count, perSecond, underWayMax: BURST_WIDTH, fire })
    .attempts
  const accepted = attempts.filter(({ status }) => status === 202).length
  const seconds = (performance.now() - startedAt) / 1000
  const taken = Math.round(count / seconds)
  return {
    message: `${accepted} of ${count} deliveries were accepted in ${seconds.toFixed(1)} s, ${taken} a second.`,
  }
}
