import { type Attempt, isUnderWay, newAttempt } from './attempt.ts'
import type { BoxHappening, Notification } from './happening.ts'
import type { Invariant, Violation } from './invariants.ts'
import { Letters } from './letters.ts'
import { type Lease, LostWorkers } from './lost-workers.ts'
import type { Process } from './process.ts'
import type { WitnessOptions } from './witness-options.ts'

/** What an automation declares, and whether its filter answers what no filter may. */
type Policy = { readonly attempts: number; readonly askedMs: number; readonly oddFilter: boolean }

/** An event and what came of it. */
type Written = Lease & { readonly done: readonly string[] }

/** How long a request is on its way to Box, in milliseconds. */
const ON_ITS_WAY_MS = 200

/** Sees what goes in and what comes out, and says where an invariant does not hold. Knows nothing of how it is done. */
export class Witness {
  readonly violations: Violation[] = []
  readonly happenings = new Map<string, BoxHappening>()
  /** Event and webhook of each delivery that was answered with success, and of each message on the queue. */
  readonly accepted = new Set<string>()
  readonly arrived = new Set<string>()
  readonly queued = new Set<string>()
  /** Messages that something else than ingest has put on the queue. */
  readonly strangers = new Set<string>()
  readonly attempts: Attempt[] = []
  /** Event, automation and effect → the attempts that had it. */
  readonly effects = new Map<string, Attempt[]>()
  readonly policies = new Map<string, Policy>()
  /** Effects that happened again as they may. */
  repeats = 0
  checks = 0
  readonly #options: WitnessOptions
  readonly #byRun = new Map<string, Attempt[]>()
  readonly #byProcess = new Map<Process, Attempt[]>()
  readonly #disturbances = new Map<string, number>()
  readonly #redrives = new Map<string, number>()
  /** Event and automation → the counts of redrives at which a forced replay was asked for and that were not met yet. */
  readonly #forced = new Map<string, Set<number>>()
  readonly #tokens = new Map<string, Process>()
  readonly #bodies = new Set<string>()
  readonly #letters: Letters
  readonly #steps = new Map<string, Attempt>()
  readonly #lost = new LostWorkers()

  constructor(options: WitnessOptions) {
    this.#options = options
    this.#letters = new Letters(options.sendsMax)
  }

  check(invariant: Invariant, holds: boolean, detail: () => string): void {
    this.checks += 1
    if (holds) return
    const violation = { invariant, detail: detail(), at: this.#options.now() - this.#options.start }
    this.violations.push(violation)
    this.note(() => `VIOLATION ${invariant}: ${violation.detail}`)
  }

  note(line: () => string): void {
    this.#options.trace?.(`${((this.#options.now() - this.#options.start) / 1000).toFixed(3)} s  ${line()}`)
  }

  happens(happening: BoxHappening): void {
    this.happenings.set(happening.eventId, happening)
    for (const { body } of happening.notifications) this.#bodies.add(Buffer.from(body).toString('latin1'))
    this.note(() => `Box: ${happening.trigger} ${happening.eventId}`)
  }

  isQueued({ eventId, webhookId, body }: { eventId: string; webhookId: string; body: Uint8Array }): void {
    this.queued.add(eventId)
    this.arrived.add(`${eventId} ${webhookId}`)
    this.#letters.queued(eventId)
    if (this.strangers.has(eventId)) return
    this.check(
      'bytes_are_kept',
      this.#bodies.has(Buffer.from(body).toString('latin1')),
      () => `of ${eventId}`,
    )
  }

  /** What an event's webhooks have brought to the queue so far. */
  broughtOf(eventId: string): readonly Notification[] {
    const notifications = this.happenings.get(eventId)?.notifications ?? []
    return notifications.filter(({ webhookId }) => this.arrived.has(`${eventId} ${webhookId}`))
  }

  /** The effects that an automation is to have for an event; undefined where it is not concerned. */
  #effectsOf(eventId: string, automation: string): readonly string[] | undefined {
    return this.broughtOf(eventId)
      .find(({ expected }) => expected.has(automation))
      ?.expected.get(automation)
  }

  /** A lease token was made in a process. */
  tokenMade(token: string, process: Process): void {
    this.#tokens.set(token, process)
  }

  /** Something befell a process, or a service left it without an answer: what it has not recorded may be unknown. */
  disturbed(process: Process, events: Iterable<string>): void {
    for (const attempt of this.#byProcess.get(process) ?? []) if (!attempt.recorded) attempt.cutOff = true
    for (const eventId of events) this.#disturbances.set(eventId, (this.#disturbances.get(eventId) ?? 0) + 1)
  }

  /** A process begins with a batch. */
  invoked(process: Process): void {
    this.#lost.invoked(process)
  }

  /** A process was killed or stopped. */
  struck(process: Process): void {
    const now = this.#options.now()
    const running = (this.#byProcess.get(process) ?? []).filter(
      ({ state, deaf, until }) => state === 'running' && !deaf && now <= until,
    )
    this.#lost.struck(process, new Set(running.map(({ eventId }) => eventId)))
  }

  redriven(eventId: string): void {
    this.#redrives.set(eventId, (this.#redrives.get(eventId) ?? 0) + 1)
  }

  /** Somebody asks by force for a run that is done. */
  forced(eventId: string, automation: string, redrives: number): void {
    const key = `${eventId} ${automation}`
    this.#forced.set(key, (this.#forced.get(key) ?? new Set()).add(redrives))
  }

  /** Lets a run that is done start again where that was asked for: once for each time that it was done. */
  #release(key: string, earlier: readonly Attempt[]): void {
    const asked = this.#forced.get(key)
    const [first] = asked ?? []
    if (first === undefined || !earlier.some(({ recorded, released }) => recorded && !released)) return
    asked?.delete(first)
    for (const attempt of earlier) attempt.released = true
  }

  /** Whether an effect has happened since it was last asked for. */
  has(eventId: string, automation: string, effect: string): boolean {
    const attempts = this.effects.get(`${eventId} ${automation} ${effect}`) ?? []
    const withoutIt = (this.#byRun.get(`${eventId} ${automation}`) ?? []).filter(({ forgone }) =>
      forgone.has(effect),
    )
    return [...attempts, ...withoutIt].some(({ released }) => !released)
  }

  runStarts(eventId: string, automation: string, process: Process, until: number): Attempt {
    const key = `${eventId} ${automation}`
    const earlier = this.#byRun.get(key) ?? []
    const now = this.#options.now()
    const token = this.#options.leaseOf(eventId)
    const attempt = newAttempt({
      serial: this.attempts.length,
      eventId,
      automation,
      process,
      token: token !== undefined && this.#tokens.get(token) === process ? token : undefined,
      until,
    })
    // In the turn in which it dies a process still seems to go on; nothing of that is real.
    if (!process.alive) return attempt
    this.note(
      () => `process ${process.id}: ${automation} starts for ${eventId}, attempt ${earlier.length + 1}`,
    )
    const happening = this.happenings.get(eventId)
    this.check(
      'nothing_forged',
      happening !== undefined,
      () => `a run for ${eventId}, which Box knows nothing of`,
    )
    this.check('right_runs', this.#effectsOf(eventId, automation) !== undefined, () => `${key} started`)
    const { attempts: most = 0, askedMs = 0 } = this.policies.get(automation) ?? {}
    this.check(
      'time_fits',
      !this.#options.steady || until - now >= askedMs,
      () => `${key} has ${until - now} ms and asks for ${askedMs}`,
    )
    this.#release(key, earlier)
    for (const before of earlier) this.#checkEarlier(before, now, key)
    const counted = earlier.filter(({ throttled }) => !throttled).length
    const allowed = most * (1 + (this.#redrives.get(eventId) ?? 0))
    this.check(
      'attempts_are_bounded',
      counted < allowed,
      () => `attempt ${counted + 1} of ${key}, ${allowed} allowed`,
    )
    this.attempts.push(attempt)
    earlier.push(attempt)
    this.#byRun.set(key, earlier)
    const ofProcess = this.#byProcess.get(process) ?? []
    ofProcess.push(attempt)
    this.#byProcess.set(process, ofProcess)
    return attempt
  }

  #checkEarlier(before: Attempt, now: number, key: string): void {
    const busy = before.state === 'running' && isUnderWay(before, now)
    this.check('one_at_a_time', !busy, () => `two attempts of ${key}`)
    if (before.released) return
    this.check('siblings_rest', !before.recorded, () => `${key} started again after it was recorded as done`)
    this.check(
      'once',
      before.state !== 'returned' || before.cutOff || before.recorded,
      () => `${key} started again`,
    )
    const early = before.notBefore - this.#options.apartMs > now
    this.check(
      'waits_are_kept',
      before.cutOff || !early,
      () => `${key} came ${before.notBefore - now} ms early`,
    )
  }

  /**
   * A step's code begins.
   * @returns what is called when it ends
   */
  stepBegins(attempt: Attempt, step: string): () => void {
    const key = `${attempt.eventId} ${attempt.automation} ${step}`
    const other = this.#steps.get(key)
    const busy = other !== undefined && isUnderWay(other, this.#options.now())
    if (attempt.process.alive) this.check('steps_one_at_a_time', !busy, () => key)
    this.#steps.set(key, attempt)
    return () => {
      if (this.#steps.get(key) === attempt) this.#steps.delete(key)
    }
  }

  /** An effect reaches Box. */
  effect(attempt: Attempt, effect: string): void {
    const { eventId, automation } = attempt
    const key = `${eventId} ${automation} ${effect}`
    this.note(() => `Box: ${effect} of ${automation} for ${eventId} by process ${attempt.process.id}`)
    const lease = this.#options.leaseOf(eventId)
    const now = this.#options.now()
    // A call that is given up with its run can't be called back.
    const onItsWay = attempt.endedAt !== undefined && now - attempt.endedAt < ON_ITS_WAY_MS
    const fenced = attempt.token !== undefined && (lease === attempt.token || onItsWay)
    this.check('fenced_effects', fenced, () => key)
    const known = this.#effectsOf(eventId, automation)?.includes(effect) === true
    this.check('right_runs', known, () => `the effect ${key}`)
    const before = this.effects.get(key) ?? []
    for (const one of before) {
      if (one.released) continue
      this.check('steps_once', !one.steps.has(effect), () => key)
      const isOver = one.cutOff || one.state === 'threw' || now > one.until
      this.check('once', isOver, () => `${key} happened again`)
    }
    if (before.some(({ released }) => !released)) this.repeats += 1
    before.push(attempt)
    this.effects.set(key, before)
  }

  /** The ledger has written an event's item. */
  written(eventId: string, before: Written | undefined, after: Written, by: Process): void {
    const now = this.#options.now()
    if (before && before.token === after.token) {
      this.check(
        'fenced_writes',
        this.#tokens.get(after.token) === by,
        () => `an outcome of ${eventId} by process ${by.id}`,
      )
    } else if (before) {
      const early = before.until - this.#options.apartMs > now
      this.check(
        'fenced_writes',
        !early,
        () => `the lease of ${eventId} was taken ${before.until - now} ms too early`,
      )
    }
    this.#lost.written(eventId, before, after, by)
    const claimed = (this.#byProcess.get(by) ?? []).filter(
      attempt => attempt.eventId === eventId && attempt.token === after.token,
    )
    for (const attempt of claimed) {
      const isDone = after.done.includes(attempt.automation)
      if (isDone && before?.done.includes(attempt.automation) !== true) this.#checkDone(attempt)
      if (attempt.state === 'returned') attempt.recorded ||= isDone
      if (after.until === 0) this.#checkOver(attempt)
    }
  }

  #checkDone({ automation, eventId, refused, stray, underWay }: Attempt): void {
    const whole = !refused && !stray && underWay === 0
    this.check(
      'done_is_whole',
      whole,
      () =>
        `${automation} of ${eventId}: ${refused ? 'refused' : stray ? 'a rejection' : `${underWay} under way`}`,
    )
  }

  #checkOver(attempt: Attempt): void {
    const over = attempt.underWay === 0 || !isUnderWay(attempt, this.#options.now())
    this.check(
      'lease_outlasts_work',
      over,
      () => `${attempt.automation} of ${attempt.eventId} has ${attempt.underWay} under way`,
    )
  }

  /** The dead-letter queue has taken a letter, for runs or for an event as a whole. */
  deadLettered(eventId: string, redrives: number, runs: readonly { name: string; redrives: number }[]): void {
    const named = runs.map(run => ({ run: run.name, redrives: run.redrives }))
    for (const failure of named.length > 0 ? named : [{ run: undefined, redrives }]) {
      const { count, most } = this.#letters.count(eventId, failure, this.#disturbances.get(eventId) ?? 0)
      const what = () => `letter ${count} for ${failure.run ?? 'all'} of ${eventId}`
      this.check('one_dead_letter', count <= most, what)
    }
  }

  /** A dead letter names a run. */
  givenUp(eventId: string, automation: string, code: string): void {
    const attempts = this.#byRun.get(`${eventId} ${automation}`) ?? []
    const { attempts: most = 0, oddFilter = false } = this.policies.get(automation) ?? {}
    const company = code === 'worker_lost' ? this.#lost.companyOf(eventId) : 0
    this.check(
      'lost_workers_were_alone',
      company === 0,
      () => `${automation} of ${eventId} was given up beside ${company} other events`,
    )
    const counted = attempts.filter(({ throttled, late }) => !throttled || late).length
    const enough = counted + (this.#disturbances.get(eventId) ?? 0) >= most
    const final = oddFilter || attempts.some(({ permanent }) => permanent)
    this.check(
      'waits_are_free',
      enough || final,
      () => `${automation} of ${eventId} was given up (${code}) after ${counted}`,
    )
  }

  logged(line: string): void {
    this.checks += 1
    for (const [what, text] of this.#options.canaries)
      if (line.includes(text))
        this.check('keeps_secrets', false, () => `${what} is in ${line.replaceAll(text, '…')}`)
  }
}
