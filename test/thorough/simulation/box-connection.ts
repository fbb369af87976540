import { type BoxConnection, createBoxConnection } from '../../../lib/box/box.ts'
import type { BoxConnectionOptions } from '../../../lib/box/connected-app.ts'
import { fileIdOf } from './box.ts'
import { type BoxVerdict, type CallKind, connectQuickly } from './box-api.ts'
import { FILE_NAME } from './event-bodies.ts'
import { TEMPORARY_CONFLICTS } from './judge.ts'
import type { Network, Service } from './network.ts'
import type { Plan } from './plan.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import { SdkBox } from './sdk.ts'
import { targetOfWebhook } from './watched.ts'
import type { Witness } from './witness.ts'

export type BoxConnectionsOptions = {
  readonly plan: Plan
  readonly scheduler: Scheduler
  readonly random: Random
  readonly network: Network
  readonly witness: Witness
  readonly service: Service
  readonly app: { readonly clientId: string; readonly clientSecret: string }
  readonly healed: () => boolean
  /** Told of each token that Box has given out. */
  readonly onToken: (token: string) => void
}

/** For how long Box may throttle, in milliseconds: three times as long as a message lasts before it is sent anew. */
const THROTTLING_MS_MAX = 30 * 86_400_000

/** How automate's processes reach Box's API, and what becomes of their calls. */
export class BoxConnections {
  readonly #options: BoxConnectionsOptions
  /** Box's API as the SDK reaches it; where it is undefined, Box is called without the SDK. */
  #sdkBox: SdkBox | undefined
  /** When throttling is over, in milliseconds since the epoch. */
  readonly #calmAt: number
  /** Until when Box refuses the app's credentials, in milliseconds since the epoch. */
  #refusesUntil = 0
  #ids = 0

  constructor(options: BoxConnectionsOptions) {
    this.#options = options
    this.#calmAt = options.scheduler.now + THROTTLING_MS_MAX
  }

  /** Makes ready what takes real time. */
  async load(): Promise<void> {
    const { plan, scheduler, random, app, onToken } = this.#options
    if (!plan.sdk) return
    this.#sdkBox = await SdkBox.load({
      scheduler,
      random,
      newId: () => {
        this.#ids += 1
        return `box-${String(this.#ids).padStart(8, '0')}`
      },
      ...app,
      verdict: kind => this.#verdict(kind),
      update: description => this.#updated(description),
      onToken,
    })
    for (let count = 0; count < plan.events; count += 1)
      this.#sdkBox.addFile(fileIdOf(count), `${FILE_NAME}-${count}`)
  }

  revokeTokens(): void {
    this.#sdkBox?.revokeTokens()
    this.#options.network.strike('Box tokens revoked')
  }

  /** Lets Box refuse the app's credentials for a while, in milliseconds. */
  withdrawAuthorisation(ms: number): void {
    const { network, scheduler } = this.#options
    network.strike('Box authorisation withdrawn')
    this.#refusesUntil = scheduler.now + ms
  }

  connect(process: Process, options: BoxConnectionOptions): BoxConnection {
    const { scheduler, random, plan } = this.#options
    const sdkBox = this.#sdkBox
    if (sdkBox) return createBoxConnection({ ...options, network: sdkBox.networkOf(process) })
    return connectQuickly({
      process,
      scheduler,
      random,
      verdict: kind => this.#verdict(kind),
      token: plan.rates.slowTokens > 0 ? () => this.#token() : undefined,
      update: description => this.#updated(description),
      targetOf: targetOfWebhook,
    })
  }

  #token(): { readonly afterMs: number; readonly lastsMs: number } {
    const { plan, random, network, healed } = this.#options
    const isSlow = !healed() && random.chance(plan.rates.slowTokens)
    if (isSlow) network.strike('Box token slow')
    return {
      afterMs: isSlow ? random.between(1000, 29_000) : random.between(10, 300),
      lastsMs: random.pick([60_000, 600_000, 3_600_000]),
    }
  }

  #verdict(kind: CallKind): BoxVerdict {
    const { plan, random, scheduler, network, service, healed } = this.#options
    const { throttledCalls, failedCalls, lostCalls, freshContent, temporaryConflicts, slowLookups } =
      plan.rates
    if (healed()) return { kind: 'done', heard: true }
    if (service.down) return { kind: 'lost' }
    if (scheduler.now < this.#refusesUntil) return { kind: 'refused', status: 401 }
    if (random.chance(throttledCalls) && scheduler.now < this.#calmAt) {
      network.strike('Box throttled')
      return { kind: 'refused', status: 429, retryAfter: random.pick([1, 5, 60, 900]) }
    }
    if (random.chance(failedCalls)) {
      network.strike('Box failed')
      return { kind: 'refused', status: random.pick([500, 502, 503]) }
    }
    if (kind === 'read' && random.chance(freshContent) && scheduler.now < this.#calmAt) {
      network.strike('Box content not ready')
      return { kind: 'refused', status: 202, retryAfter: random.pick([1, 7, 60]) }
    }
    if (kind === 'change' && random.chance(temporaryConflicts)) {
      network.strike('Box conflict')
      return { kind: 'refused', status: 409, code: random.pick(TEMPORARY_CONFLICTS) }
    }
    if (kind === 'lookup' && random.chance(slowLookups)) {
      network.strike('Box lookup slow')
      return random.chance(0.5)
        ? { kind: 'lost' }
        : { kind: 'done', heard: true, slowMs: random.between(1000, 29_000) }
    }
    const heard = !random.chance(lostCalls)
    if (!heard) network.strike('Box unheard')
    return { kind: 'done', heard }
  }

  /** A file's new description says whose effect it is. */
  #updated(description: string): void {
    const { witness } = this.#options
    const [serial = '', effect = ''] = description.split(' ')
    const attempt = witness.attempts[Number(serial)]
    if (attempt) witness.effect(attempt, effect)
  }
}
