import { targetText } from '../../../lib/event/target.ts'
import type { SignatureKeys } from '../../../lib/ingest/signature.ts'
import { describeBody, type Message } from '../../../lib/queue/message.ts'
import { Deliveries, type Outgoing } from '../../../local/box/events/delivery.ts'
import { samplePayload, wireBody } from '../../../local/box/events/payload.ts'
import { filtersOut, type Simulated } from './automations.ts'
import { sourceOf, unreadableBody } from './event-bodies.ts'
import { forge, type Request } from './forgery.ts'
import type { SimulatedGateway } from './gateway.ts'
import type { BoxHappening, Notification } from './happening.ts'
import type { Network } from './network.ts'
import { chanceFor, type Plan } from './plan.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import {
  type About,
  aboutOf,
  PLACES,
  type Place,
  SIMULATED_TRIGGERS,
  type SimulatedTrigger,
  TARGETS,
  WEBHOOKS,
} from './watched.ts'
import type { Witness } from './witness.ts'

/** How old a delivery may be and how long withdrawn keys may be remembered, in milliseconds. */
const AGE_MS_MAX = 600_000
const REMEMBERED_MS_MAX = 300_000

/** The file that an event of so many is about. */
export const fileIdOf = (count: number): string => String(70_000 + count)

export type SimulatedBoxOptions = {
  readonly plan: Plan
  readonly scheduler: Scheduler
  readonly random: Random
  readonly network: Network
  readonly gateway: SimulatedGateway
  readonly witness: Witness
  readonly automations: readonly Simulated[]
  /** Stores keys in Secrets Manager. */
  readonly storeKeys: (keys: SignatureKeys) => void
  /** Whether ingest can read its keys, as far as anybody outside knows. */
  readonly keysReadable: () => boolean
}

type Key = 'primary' | 'secondary'

/** An event of Box's enterprise log. */
export type LogEntry = {
  readonly id: string
  /** Whole seconds, in milliseconds since the epoch. */
  readonly at: number
  readonly trigger: LoggedTrigger
  readonly about: About
  /** The places at which an automation wants it. */
  readonly places: readonly Place[]
}

/** What of the simulated triggers Box's enterprise log has here, and what it calls them. */
export const LOGGED = {
  'FILE.DOWNLOADED': 'DOWNLOAD',
  'FILE.UPLOADED': 'UPLOAD',
  'FILE.RENAMED': 'RENAME',
} as const

type LoggedTrigger = keyof typeof LOGGED

const isLogged = (trigger: SimulatedTrigger): trigger is LoggedTrigger => Object.hasOwn(LOGGED, trigger)

/** Of the deliveries of a plan with backfills, how many Box never makes, as where a webhook was gone for a while. */
const UNDELIVERED = 0.3

/** Box, seen from outside: what happens in it, what it delivers and delivers again, and who else sends something. */
export class SimulatedBox {
  deliveries = 0
  forgeries = 0
  /** What Box's enterprise log has, in plans with backfills. */
  readonly log: LogEntry[] = []
  readonly #options: SimulatedBoxOptions
  readonly #sender: Deliveries
  #keys: Readonly<Record<Key, string>>
  readonly #retired: { readonly key: string; readonly since: number }[] = []
  #rotations = 0
  #ids = 0
  #healed = false
  #earlier: Request | undefined

  constructor(options: SimulatedBoxOptions) {
    this.#options = options
    const { scheduler } = options
    this.#keys = { primary: this.#newKey(), secondary: this.#newKey() }
    options.storeKeys(this.#keys)
    this.#sender = new Deliveries({
      clock: { now: () => Math.floor(scheduler.now), after: (ms, callback) => scheduler.after(ms, callback) },
      newId: () => this.#newId('delivery'),
      keys: () => this.#keys,
      keepFirstTimestamp: options.plan.firstTimestamp,
      post: ({ headers, body, signal }) => this.#post({ headers, body }, signal),
    })
  }

  /** Lets everything happen that the plan says, from now on. */
  begin(): void {
    const { plan, scheduler, random } = this.#options
    for (let count = 0; count < plan.events; count += 1)
      scheduler.after(random.between(0, plan.seconds * 1000), () => this.#happen(count))
    if (plan.times.keyRotations > 0) this.#planRotation(random.between(0, plan.seconds * 1000))
  }

  heal(): void {
    this.#healed = true
  }

  #newId(kind: string): string {
    this.#ids += 1
    return `${kind}-${this.#options.plan.seed}-${this.#ids}`
  }

  #newKey(): string {
    return `canary-key-${this.#newId('key')}`
  }

  /** Something happens in Box; each webhook that watches it brings it, all of them under one id or each under its own. */
  #happen(count: number): void {
    const { plan, random, witness } = this.#options
    const trigger = random.pick(SIMULATED_TRIGGERS)
    const inside = plan.nested && random.chance(0.6)
    const about = aboutOf(trigger, fileIdOf(count), inside ? random.pick([1, 1, 2]) : 0)
    const told = this.#told(trigger, about)
    const readable = !random.chance(plan.rates.unreadable)
    const together = readable && !plan.separateIds
    // What can't be read has no webhook that it could differ by.
    const at = Math.floor(this.#options.scheduler.now / 1000) * 1000
    if (plan.backfills && readable && isLogged(trigger))
      this.log.push({ id: this.#newId('logged'), at, trigger, about, places: this.#wanted(trigger, about) })
    const groups = together ? [told] : (readable ? told : told.slice(0, 1)).map(place => [place])
    for (const places of groups) {
      const happening = this.#happeningOf(trigger, about, places, readable)
      witness.happens(happening)
      for (const notification of happening.notifications)
        if (!this.#isUndelivered(happening, notification)) this.#deliver(happening, notification)
    }
  }

  #isUndelivered({ eventId }: BoxHappening, { webhookId }: Notification): boolean {
    const { plan } = this.#options
    return plan.backfills && chanceFor(plan.seed, 'undelivered', eventId, webhookId).chance(UNDELIVERED)
  }

  /** The places that an event is about and at which some automation wants its trigger. */
  #wanted(trigger: SimulatedTrigger, { places }: Pick<About, 'places'>): readonly Place[] {
    return places.filter(place =>
      this.#options.automations.some(one => one.places.includes(place) && one.on.includes(trigger)),
    )
  }

  /** What is to come of an event that the function backfill has put on the queue, beside what webhooks brought of it. */
  backfilled({ eventId, webhookId, body }: Message): BoxHappening {
    const { trigger, source, additional_info: info } = JSON.parse(Buffer.from(body).toString())
    const isTarget = (place: Place) =>
      info.backfill.targets.some(({ id }: { id: string }) => id === TARGETS[place].id)
    const notifications = PLACES.filter(isTarget).map(
      (place): Notification => ({ place, webhookId, body, ...this.#concernedBy(trigger, place, source.id) }),
    )
    const known = this.#options.witness.happenings.get(eventId)
    return {
      ...(known ?? { eventId, trigger, item: `file:${source.id}`, readable: true }),
      notifications: [...(known?.notifications ?? []), ...notifications],
    }
  }

  /** Which automations run for an event at a place, and which filter it. */
  #concernedBy(
    trigger: SimulatedTrigger,
    place: Place,
    itemId: string,
  ): Pick<Notification, 'expected' | 'filtered'> {
    const concerned = this.#options.automations.filter(
      one => one.places.includes(place) && one.on.includes(trigger),
    )
    const isFiltered = (one: Simulated) => filtersOut(one, itemId)
    return {
      expected: new Map(
        concerned.filter(one => !isFiltered(one)).map(({ name, effects }) => [name, effects]),
      ),
      filtered: concerned.filter(isFiltered).map(({ name }) => name),
    }
  }

  /** The places whose webhooks have the trigger, as some automation wants it; what nothing wants comes all the same. */
  #told(trigger: SimulatedTrigger, about: About): readonly Place[] {
    const wanted = PLACES.filter(place =>
      this.#options.automations.some(one => one.places.includes(place) && one.on.includes(trigger)),
    )
    return wanted.length === 0 ? ['outer'] : this.#wanted(trigger, about)
  }

  #happeningOf(
    trigger: SimulatedTrigger,
    about: About,
    places: readonly Place[],
    readable: boolean,
  ): BoxHappening {
    const { plan, random, scheduler } = this.#options
    const id = this.#newId('event')
    const createdAt = timeText(scheduler.now)
    const source = sourceOf(trigger, about, random)
    const bodyOf = (webhookId: string): Uint8Array => {
      if (!readable) return unreadableBody(id, random)
      // What does not matter to the engine would only cost time; some plans have all of it.
      if (plan.sdk && source.type === 'file')
        return wireBody(samplePayload(trigger, { id, createdAt, webhookId, source }))
      const webhook = { id: webhookId, type: 'webhook' }
      return wireBody({ type: 'webhook_event', id, created_at: createdAt, trigger, webhook, source })
    }
    const nothing = { expected: new Map(), filtered: [] }
    const notifications = places.map(
      (place): Notification => ({
        place,
        webhookId: WEBHOOKS[place],
        body: bodyOf(WEBHOOKS[place]),
        ...(readable ? this.#concernedBy(trigger, place, about.item.id) : nothing),
      }),
    )
    const [first] = notifications
    // What has no id goes by its bytes.
    const eventId = first ? describeBody(first.body).eventId : id
    return { eventId, trigger, item: targetText(about.item), readable, notifications }
  }

  #deliver({ eventId, trigger }: BoxHappening, { webhookId, body }: Notification): void {
    const { plan, scheduler, random } = this.#options
    const address = 'https://hooks.test/box/webhook'
    const outgoing: Outgoing = { eventId, trigger, webhookId, address, body }
    void this.#sender.send(outgoing)
    while (random.chance(plan.rates.duplicateDeliveries * 0.95))
      scheduler.after(
        random.between(0, random.pick([1000, 60_000, 7_200_000])),
        () => void this.#sender.send(outgoing),
      )
  }

  async #post(request: Request, signal: AbortSignal): Promise<{ status: number; answer: string }> {
    const { plan, random, scheduler, network, gateway, witness } = this.#options
    const sentAt = scheduler.now
    this.deliveries += 1
    if (!this.#healed && random.chance(plan.rates.lostDeliveries)) {
      network.strike('delivery lost')
      return hangUp(signal)
    }
    await scheduler.wait(random.between(5, 100))
    const response = await gateway.request(request)
    const { eventId, webhookId } = describeBody(request.body)
    const { status, body } = response
    witness.note(() => `ingest: ${status} to Box for ${eventId}`)
    const stamped = Date.parse(request.headers['box-delivery-timestamp'] ?? '')
    const inTime = scheduler.now - sentAt < 60_000 && sentAt - stamped < AGE_MS_MAX - 60_000
    if (response.fromFunction && inTime)
      witness.check('box_is_let_in', status < 400 || status >= 500, () => `${eventId}: ${body}`)
    if (status >= 200 && status < 300) witness.accepted.add(`${eventId} ${webhookId}`)
    this.#tempt(request)
    this.#earlier = request
    if (!this.#healed && random.chance(plan.rates.lostAnswers)) {
      network.strike('answer lost')
      return hangUp(signal)
    }
    return { status, answer: body }
  }

  /** Somebody overhears a delivery and makes something of it. */
  #tempt(overheard: Request): void {
    const { plan, random, scheduler } = this.#options
    if (random.chance(plan.rates.forgeries)) {
      this.forgeries += 1
      scheduler.after(random.pick([5000, 4_000_000]) * random.next(), () => void this.#attack(overheard))
    }
    if (random.chance(plan.rates.replays)) {
      this.forgeries += 1
      const afterMs = random.pick([random.between(0, 300_000), random.between(660_000, 10_000_000)])
      scheduler.after(afterMs, () => void this.#replay(overheard))
    }
  }

  async #attack(overheard: Request): Promise<void> {
    const { plan, random, scheduler, gateway, witness, keysReadable } = this.#options
    const withdrawn = scheduler.now - REMEMBERED_MS_MAX - 60_000
    // While the newest keys can't be read the last ones stay in use, as the guide says.
    const isForgotten = plan.times.outages === 0 && keysReadable()
    const retired = isForgotten ? this.#retired.filter(({ since }) => since < withdrawn) : []
    const retiredKeys = retired.map(({ key }) => key)
    const loot = { overheard, earlier: this.#earlier ?? overheard, retiredKeys, now: scheduler.now }
    const readable = keysReadable()
    const response = await gateway.request(forge(loot, random))
    const { status, body } = response
    witness.check('nothing_forged', status >= 400, () => `a forgery was answered with ${status}`)
    const fault = status >= 500 && response.fromFunction && readable && keysReadable()
    witness.check('bad_input_is_refused', !fault, () => body)
  }

  async #replay(overheard: Request): Promise<void> {
    const { scheduler, gateway, witness } = this.#options
    const sentAt = Date.parse(overheard.headers['box-delivery-timestamp'] ?? '')
    const ageMs = scheduler.now - sentAt
    const { status } = await gateway.request(overheard)
    if (ageMs > AGE_MS_MAX + 10_000)
      witness.check(
        'nothing_forged',
        status >= 400,
        () => `a replay after ${ageMs} ms was answered with ${status}`,
      )
  }

  /**
   * One key is reset in the Developer Console, from when on Box signs with the new one; some time later an administrator
   * stores it. The other key is good all the time. The next rotation comes only after the functions know of this one.
   */
  #planRotation(afterMs: number): void {
    const { scheduler, random, storeKeys, plan, witness } = this.#options
    scheduler.after(afterMs, () => {
      const which: Key = random.chance(0.5) ? 'primary' : 'secondary'
      const old = this.#keys[which]
      this.#keys = { ...this.#keys, [which]: this.#newKey() }
      this.#rotations += 1
      witness.note(() => `Box: the ${which} key is reset`)
      scheduler.after(random.between(0, 1_000_000), () => {
        storeKeys(this.#keys)
        witness.note(() => `the new ${which} key is stored`)
        this.#retired.push({ key: old, since: scheduler.now })
        if (this.#rotations < plan.times.keyRotations)
          this.#planRotation(REMEMBERED_MS_MAX + random.between(60_000, 600_000))
      })
    })
  }
}

const hangUp = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

/** A time as Box writes it: whole seconds. */
export const timeText = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
