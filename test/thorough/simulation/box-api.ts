import type { Box, BoxConnection, BoxRun } from '../../../lib/box.ts'
import { BoxError } from '../../../lib/box-error.ts'
import type { Target } from '../../../lib/event.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

/** How Box answers a call. */
export type BoxVerdict =
  | { readonly kind: 'done'; readonly heard: boolean }
  | { readonly kind: 'refused'; readonly status: number; readonly retryAfter?: number }
  | { readonly kind: 'lost' }

export type BoxApiOptions = {
  readonly process: Process
  readonly scheduler: Scheduler
  readonly random: Random
  /** Decides what becomes of a call, when it reaches Box. */
  readonly verdict: () => BoxVerdict
  /** Changes a file's description. */
  readonly update: (description: string) => void
  readonly targetOf: (webhookId: string) => Target | undefined
}

/** How long a call waits for its answer, as lib/box-session.ts has it, in milliseconds. */
const CALL_MS_MAX = 30_000

/**
 * Box's API without HTTP and without the official SDK, for speed: one call to change a file and one to read a webhook,
 * failing with the errors that lib/box-answer.ts makes of Box's answers.
 */
export function connectQuickly(options: BoxApiOptions): BoxConnection {
  const { process, scheduler, random, verdict } = options
  const call = <T>(run: Partial<BoxRun>, method: string, path: string, act: () => T): Promise<T> => {
    run.checkTime?.()
    run.signal?.throwIfAborted()
    return new Promise((resolve, reject) => {
      const fail = (status: number, retryAfter?: number) =>
        reject(new BoxError({ method, path }, { status, retryAfter: retryAfter?.toString() }))
      run.signal?.addEventListener('abort', () => reject(run.signal?.reason), { once: true })
      const giveUp = process.clock.after(CALL_MS_MAX, () => fail(0))
      const answer = (settle: () => void) =>
        scheduler.after(random.between(5, 150), () =>
          process.enter(() => {
            giveUp()
            settle()
          }),
        )
      process.leave(() =>
        scheduler.after(random.between(5, 150), () => {
          const judged = verdict()
          if (judged.kind === 'lost') return
          if (judged.kind === 'refused') {
            answer(() => fail(judged.status, judged.retryAfter))
            return
          }
          const value = act()
          if (judged.heard) answer(() => resolve(value))
        }),
      )
    })
  }
  return {
    box: run => clientOf(run, call, options.update),
    targetOf: webhookId => call({}, 'GET', `/2.0/webhooks/${webhookId}`, () => options.targetOf(webhookId)),
  }
}

type Call = <T>(run: BoxRun, method: string, path: string, act: () => T) => Promise<T>

function clientOf(run: BoxRun, call: Call, update: (description: string) => void): Box {
  const files = {
    updateFileById: (id: string, { requestBody }: { requestBody: { description: string } }) =>
      call(run, 'PUT', `/2.0/files/${id}`, () => update(requestBody.description)),
  }
  // The simulated automations call nothing else of the client.
  return { files } as unknown as Box
}
