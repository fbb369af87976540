import type { Invariant, Violation } from './invariants.ts'
import type { Process } from './process.ts'

/** One event in Box, and what is to come of it. */
export type BoxHappening = {
  readonly eventId: string
  readonly trigger: string
  readonly webhookId: string
  readonly body: Uint8Array
  /** False where no event can be read from the body. */
  readonly readable: boolean
  /** The automations that are to run for it, by name, each with its effects. */
  readonly expected: ReadonlyMap<string, readonly string[]>
  /** The automations that are concerned but filter it. */
  readonly filtered: readonly string[]
}

/** One attempt at a run, as seen from outside the engine. */
export type Attempt = {
  readonly serial: number
  readonly eventId: string
  readonly automation: string
  readonly process: Process
  /** The lease under which it began. */
  readonly token: string | undefined
  /** When its function's time is up, in real (virtual) time. */
  readonly until: number
  state: 'running' | 'returned' | 'threw'
  /** Box or the automation has asked to wait. */
  throttled: boolean
  /** It ended when its time was over or nearly so, so that the engine may have given it up before. */
  late: boolean
  /** Not to be tried again before this time. */
  notBefore: number
  /** It failed in a way that is not to be tried again. */
  permanent: boolean
  /** Something has happened after which the ledger may not know how it ended. */
  cutOff: boolean
  /** The ledger has it as done. */
  recorded: boolean
  /** A forced replay has asked for its effects anew. */
  released: boolean
  readonly steps: Set<string>
}

export type WitnessOptions = {
  readonly now: () => number
  readonly start: number
  /** The furthest that two clocks can be apart, in milliseconds. */
  readonly apartMs: number
  /** The token under which an event is leased at this moment. */
  readonly leaseOf: (eventId: string) => string | undefined
  /** What must not be in a log, by what it is. */
  readonly canaries: ReadonlyMap<string, string>
  /** Told each thing that is seen, where somebody wants to read along. */
  readonly trace?: (line: string) => void
}

type Policy = { readonly attempts: number }

/** Sees what goes in and what comes out, and says where an invariant does not hold. Knows nothing of how it is done. */
export class Witness {
  readonly violations: Violation[] = []
  readonly happenings = new Map<string, BoxHappening>()
  readonly accepted = new Set<string>()
  readonly queued = new Set<string>()
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

  constructor(options: WitnessOptions) {
    this.#options = options
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
    this.#bodies.add(Buffer.from(happening.body).toString('latin1'))
    this.note(() => `Box: ${happening.trigger} ${happening.eventId}`)
  }

  isQueued(eventId: string, body: Uint8Array): void {
    this.queued.add(eventId)
    this.check(
      'bytes_are_kept',
      this.#bodies.has(Buffer.from(body).toString('latin1')),
      () => `of ${eventId}`,
    )
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
    return attempts.some(({ released }) => !released)
  }

  runStarts(eventId: string, automation: string, process: Process, until: number): Attempt {
    const key = `${eventId} ${automation}`
    const earlier = this.#byRun.get(key) ?? []
    const now = this.#options.now()
    const token = this.#options.leaseOf(eventId)
    const attempt: Attempt = {
      serial: this.attempts.length,
      eventId,
      automation,
      process,
      token: token !== undefined && this.#tokens.get(token) === process ? token : undefined,
      until,
      state: 'running',
      throttled: false,
      late: false,
      notBefore: 0,
      permanent: false,
      cutOff: process.frozen,
      recorded: false,
      released: false,
      steps: new Set(),
    }
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
    this.check('right_runs', happening?.expected.has(automation) === true, () => `${key} started`)
    this.#release(key, earlier)
    for (const before of earlier) this.#checkEarlier(before, now, key)
    const counted = earlier.filter(({ throttled }) => !throttled).length
    const allowed = (this.policies.get(automation)?.attempts ?? 0) * (1 + (this.#redrives.get(eventId) ?? 0))
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
    const busy =
      before.state === 'running' && before.process.alive && !before.process.frozen && now < before.until
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

  /** An effect reaches Box. */
  effect(attempt: Attempt, effect: string): void {
    const { eventId, automation } = attempt
    const key = `${eventId} ${automation} ${effect}`
    this.note(() => `Box: ${effect} of ${automation} for ${eventId} by process ${attempt.process.id}`)
    const lease = this.#options.leaseOf(eventId)
    this.check('fenced_effects', attempt.token !== undefined && lease === attempt.token, () => key)
    const known = this.happenings.get(eventId)?.expected.get(automation)?.includes(effect) === true
    this.check('right_runs', known, () => `the effect ${key}`)
    const before = this.effects.get(key) ?? []
    for (const one of before) {
      if (one.released) continue
      this.check('steps_once', !one.steps.has(effect), () => key)
      const isOver = one.cutOff || one.state === 'threw' || this.#options.now() > one.until
      this.check('once', isOver, () => `${key} happened again`)
    }
    if (before.some(({ released }) => !released)) this.repeats += 1
    before.push(attempt)
    this.effects.set(key, before)
  }

  /** The ledger has written an event's item. */
  written(
    eventId: string,
    before: Lease | undefined,
    after: Lease & { done: readonly string[] },
    by: Process,
  ): void {
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
    for (const attempt of this.#byProcess.get(by) ?? [])
      if (attempt.eventId === eventId && attempt.token === after.token && attempt.state === 'returned')
        attempt.recorded ||= after.done.includes(attempt.automation)
  }

  /** A dead letter names a run. */
  givenUp(eventId: string, automation: string, code: string): void {
    const attempts = this.#byRun.get(`${eventId} ${automation}`) ?? []
    const counted = attempts.filter(({ throttled, late }) => !throttled || late).length
    const enough =
      counted + (this.#disturbances.get(eventId) ?? 0) >= (this.policies.get(automation)?.attempts ?? 0)
    const final = attempts.some(({ permanent }) => permanent)
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

/** What an item of the ledger says of its lease. */
export type Lease = { readonly token: string; readonly until: number }
