import type { Box, BoxConnection, BoxRun } from '../../../lib/box/box.ts'
import { type BoxCall, BoxError } from '../../../lib/box/box-error.ts'
import type { Target } from '../../../lib/event/event.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

/** How Box answers a call. */
export type BoxVerdict =
  | { readonly kind: 'done'; readonly heard: boolean; readonly slowMs?: number }
  | Refused
  | { readonly kind: 'lost' }

/** Anything but a result; 202 is "not ready yet", which comes with Retry-After. */
type Refused = {
  readonly kind: 'refused'
  readonly status: number
  readonly code?: string
  readonly retryAfter?: number
}

/** What a call is for. */
export type CallKind = 'read' | 'change' | 'lookup' | 'token'

export type BoxApiOptions = {
  readonly process: Process
  readonly scheduler: Scheduler
  readonly random: Random
  /** Decides what becomes of a call, when it reaches Box. */
  readonly verdict: (kind: CallKind) => BoxVerdict
  /** How long Box takes for a token, and how long that lasts, in milliseconds; undefined where tokens don't matter. */
  readonly token: (() => { readonly afterMs: number; readonly lastsMs: number }) | undefined
  /** Changes a file's description. */
  readonly update: (description: string) => void
  readonly targetOf: (webhookId: string) => Target | undefined
}

/** How long a call waits for its answer, as lib/box/box.ts has it, in milliseconds. */
const CALL_MS_MAX = 30_000

/**
 * Box's API without HTTP and without the official SDK, for speed: calls to change a file, to read its content and to read a
 * webhook, failing with the errors that lib/box/box.ts makes of Box's answers.
 */
export function connectQuickly(options: BoxApiOptions): BoxConnection {
  const { process, scheduler, random, verdict } = options
  const credentials = options.token && credentialsOf(process, options.token)
  const call: Call = async (run, kind, about, act) => {
    // A token can take long to get, so it is got before the time is checked.
    if (credentials) await credentials()
    run.checkTime?.()
    run.signal?.throwIfAborted()
    return new Promise((resolve, reject) => {
      const fail = (answer: Omit<Refused, 'kind'>) => {
        const error = refusalOf(about, answer)
        // As with the SDK, whatever is not an error is a result, and a result without content is undefined.
        if (error) reject(error)
        else resolve(undefined)
      }
      run.signal?.addEventListener('abort', () => reject(run.signal?.reason), { once: true })
      const giveUp = process.clock.after(CALL_MS_MAX, () => fail({ status: 0 }))
      const answer = (afterMs: number, settle: () => void) =>
        scheduler.after(random.between(5, 150) + afterMs, () =>
          process.enter(() => {
            giveUp()
            settle()
          }),
        )
      process.leave(() =>
        scheduler.after(random.between(5, 150), () => {
          const judged = verdict(kind)
          if (judged.kind === 'lost') return
          if (judged.kind === 'refused') {
            answer(0, () => fail(judged))
            return
          }
          const value = act()
          if (judged.heard) answer(judged.slowMs ?? 0, () => resolve(value))
        }),
      )
    })
  }
  return {
    box: run => clientOf(run, call, options.update),
    targetOf: webhookId =>
      call({}, 'lookup', { method: 'GET', path: `/2.0/webhooks/${webhookId}` }, () =>
        options.targetOf(webhookId),
      ),
  }
}

type Call = <T>(run: Partial<BoxRun>, kind: CallKind, about: BoxCall, act: () => T) => Promise<T | undefined>

/** What lib/box/box.ts throws for an answer; undefined where it takes it for a result. */
function refusalOf(
  about: BoxCall,
  { status, code, retryAfter }: Omit<Refused, 'kind'>,
): BoxError | undefined {
  const error = new BoxError(about, { status, code, retryAfter: retryAfter?.toString() })
  const isResult = status >= 200 && status < 400 && error.failure.class !== 'throttled'
  return isResult ? undefined : error
}

/** Gets a token when there is none or its time is up; calls that come meanwhile wait for the same. */
function credentialsOf({ clock }: Process, token: NonNullable<BoxApiOptions['token']>): () => Promise<void> {
  let getting = Promise.resolve()
  let endsAt = 0
  return () => {
    if (clock.now() < endsAt) return getting
    const { afterMs, lastsMs } = token()
    endsAt = clock.now() + lastsMs
    getting = new Promise(resolve => void clock.after(afterMs, resolve))
    return getting
  }
}

function clientOf(run: BoxRun, call: Call, update: (description: string) => void): Box {
  const files = {
    updateFileById: (id: string, { requestBody }: { requestBody: { description: string } }) =>
      call(run, 'change', { method: 'PUT', path: `/2.0/files/${id}` }, () => update(requestBody.description)),
  }
  const downloads = {
    downloadFile: (id: string) =>
      call(run, 'read', { method: 'GET', path: `/2.0/files/${id}/content` }, () => 'content'),
  }
  // The simulated automations call nothing else of the client.
  return { files, downloads } as unknown as Box
}
