import { ConfigError, type Environment } from '../base/environment.ts'
import { DEFAULT_RETRY, type RetryPolicy, WAIT_SECONDS_MAX } from '../base/retry.ts'
import type { Box } from '../box/box.ts'
import {
  type BoxEvent,
  type EventOf,
  type Target,
  type TargetType,
  TRIGGERS,
  type Trigger,
} from '../event/event.ts'
import type { AutomationLog } from './automation-log.ts'

/** What an author writes for a target; an id may name a setting: `'${REVIEW_FOLDER_ID}'`. */
export type Watch = { readonly folder: string } | { readonly file: string }

type Watched = Watch | readonly Watch[]

/** The settings that a target's id names: A and B of `'${A}-${B}'`. */
type SettingsIn<Id> = Id extends `${string}\${${infer Name}}${infer Rest}` ? Name | SettingsIn<Rest> : never

/** The settings that what is watched names. */
type WatchedSettings<W> = W extends readonly (infer One)[]
  ? WatchedSettings<One>
  : W extends { readonly folder: infer Id } | { readonly file: infer Id }
    ? SettingsIn<Id>
    : never

/** Settings by name; each stage gives them values in serverless.yml. */
export type Settings<S extends string = string> = Readonly<Record<S, string>>

/** What JSON can carry, and so what a step may return. */
export type Json =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly Json[]
  | { readonly [key: string]: Json }

/** What a step may return; nothing is what most return. */
// biome-ignore lint/suspicious/noConfusingVoidType: an async function that returns nothing is Promise<void>.
export type StepResult = Json | void

/** What an automation's code is given for one run. */
export type RunContext<T extends Trigger = Trigger, S extends string = string> = {
  readonly event: EventOf<T>
  /** The official Box SDK's client, made on first use. */
  readonly box: Box
  readonly log: AutomationLog
  readonly settings: Settings<S>
  /**
   * Runs a part of the automation at most once per event: its result is kept in the ledger, and a later attempt gets
   * the kept one. It is repeated only where the process died, or the ledger's answer was lost, between the effect and
   * the keeping.
   * @param name unique within the automation, of 1 to 256 characters
   * @returns what fn returned, as JSON carries it
   * @throws whatever fn throws, and PermanentError on a name that is bad or used twice, and on a result over 16 KB
   */
  step<R extends StepResult>(name: string, fn: () => R | Promise<R>): Promise<R>
  /** Aborts when the run's time is up; the Box client stops with it. */
  readonly signal: AbortSignal
  /** 1 for the first attempt. */
  readonly attempt: number
  /** The same for every attempt of this automation at this event, to pass on to systems that know such keys. */
  readonly idempotencyKey: string
}

/** A filter's answer that says why the automation leaves the event alone. */
export type Skip = { readonly skip: string }

/** Says, from an automation's `when`, why it leaves an event alone; the reason is kept in the ledger. */
export const skip = (reason: string): Skip => ({ skip: reason })

/** What an author declares. `S` are the settings that `settings` names; those that `watch` names come on top. */
export type AutomationDeclaration<T extends Trigger, S extends string, W extends Watched = Watched> = {
  /** Kebab case, unique, and kept: the ledger knows the automation by it. */
  readonly name: string
  readonly description?: string
  readonly on: T | readonly T[]
  /** What the webhooks are set on. */
  readonly watch: W
  /**
   * Whether V1 callbacks run the automation, too: those about a watched item or what lies right in a watched folder, and
   * all of them where `{ folder: '0' }` is watched. See docs/webhooks.md.
   */
  readonly v1?: boolean
  /** The settings that the code reads besides those that `watch` names, each with what it means. */
  readonly settings?: Settings<S>
  /** Runs the automation only where this answers true. Must be quick, within 5 s, and free of effects. */
  when?(
    event: EventOf<T>,
    settings: Settings<S | WatchedSettings<W>>,
  ): boolean | Skip | Promise<boolean | Skip>
  readonly retry?: Partial<RetryPolicy>
  /** The longest a run may take; never longer than the Lambda has left. */
  readonly timeoutSeconds?: number
  run(context: RunContext<T, S | WatchedSettings<W>>): void | Promise<void>
}

/** A checked declaration. */
export type Automation = {
  readonly name: string
  readonly description?: string
  readonly on: readonly Trigger[]
  readonly watch: readonly Target[]
  readonly v1?: boolean
  /** Every setting the automation needs, those named in `watch` included. */
  readonly settings: Settings
  readonly retry: RetryPolicy
  readonly timeoutSeconds?: number
  when?(event: BoxEvent, settings: Settings): boolean | Skip | Promise<boolean | Skip>
  run(context: RunContext): void | Promise<void>
}

/** The name of boxhooks' own automation; see webhook-deleted.ts. */
export const RECONCILE_WEBHOOKS = 'reconcile-webhooks'

export class AutomationDeclarationError extends Error {
  override readonly name = 'AutomationDeclarationError'
}

/**
 * Declares an automation: which events it is for, what it watches, and what it does. The file's default export.
 * @throws AutomationDeclarationError that names the automation, what is wrong with it and what would be right
 */
export function automation<
  const T extends Trigger,
  const S extends string = never,
  const W extends Watched = Watched,
>(declaration: AutomationDeclaration<T, S, W>): Automation {
  const { name, description, timeoutSeconds } = declaration
  const fail: Fail = problem => {
    throw new AutomationDeclarationError(`Automation ${JSON.stringify(name)}: ${problem}`)
  }
  for (const option of Object.keys(declaration))
    if (!OPTIONS.has(option)) fail(`there is no option "${option}". Options are ${[...OPTIONS].join(', ')}.`)
  const wrongName = nameProblem(name)
  if (wrongName) fail(wrongName)
  if (typeof declaration.run !== 'function') fail('run must be a function.')
  if (declaration.when !== undefined && typeof declaration.when !== 'function')
    fail('when must be a function.')
  if (timeoutSeconds !== undefined && !(timeoutSeconds > 0)) fail('timeoutSeconds must be above 0.')

  if (declaration.v1 !== undefined && typeof declaration.v1 !== 'boolean') fail('v1 must be true or false.')

  const on = [...new Set<Trigger>(listOf<Trigger>(declaration.on))]
  const watch = listOf<Watch>(declaration.watch).map(one => targetOf(one, fail))
  checkTriggers(on, watch, fail)
  return Object.freeze({
    name,
    on,
    watch,
    settings: settingsOf(declaration.settings ?? {}, watch, fail),
    retry: retryOf(declaration.retry ?? {}, fail),
    ...(description === undefined ? {} : { description }),
    ...(declaration.v1 ? { v1: true } : {}),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(declaration.when ? { when: declaration.when.bind(declaration) } : {}),
    run: declaration.run.bind(declaration),
  })
}

/** What is wrong with an automation's name, and what would be right; undefined where nothing is. */
export function nameProblem(name: unknown): string | undefined {
  if (typeof name !== 'string' || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 64)
    return 'the name must be kebab-case, such as "remove-shared-link", and at most 64 characters long.'
  if (name === RECONCILE_WEBHOOKS)
    return 'the name is that of an automation of boxhooks itself. Choose another.'
  if (name in Object.prototype) return 'the name is one that every object of JavaScript has. Choose another.'
  return undefined
}

type Fail = (problem: string) => never

const OPTIONS: ReadonlySet<string> = new Set([
  'name',
  'description',
  'on',
  'watch',
  'v1',
  'settings',
  'when',
  'retry',
  'timeoutSeconds',
  'run',
])
const PLACEHOLDER = /\$\{([^}]*)\}/g

const isList = <V>(value: V | readonly V[]): value is readonly V[] => Array.isArray(value)
const listOf = <V>(value: V | readonly V[]): readonly V[] => (isList(value) ? value : [value])

function targetOf(watch: Watch, fail: Fail): Target {
  const [[type, id] = [], more] = Object.entries(watch ?? {})
  if (more || (type !== 'folder' && type !== 'file') || typeof id !== 'string' || id === '')
    fail("watch must be { folder: 'ID' } or { file: 'ID' }, or a list of such.")
  return { type, id }
}

function checkTriggers(on: readonly Trigger[], watch: readonly Target[], fail: Fail): void {
  if (on.length === 0) fail('on names no trigger.')
  for (const trigger of on) {
    const known = Object.hasOwn(TRIGGERS, trigger) ? TRIGGERS[trigger] : undefined
    if (!known) fail(`Box has no trigger "${trigger}". See docs/write-an-automation.md for the list.`)
    const targets: readonly TargetType[] = known.targets
    for (const target of watch)
      if (known.subscribable && !targets.includes(target.type))
        fail(`${trigger} can't be watched on a ${target.type}, only on a ${targets.join(' or a ')}.`)
  }
  if (watch.length === 0) fail("watch names no target. Write watch: { folder: 'ID' }.")
}

function settingsOf(declared: Settings, watch: readonly Target[], fail: Fail): Settings {
  const settings: Record<string, string> = {}
  for (const { type, id } of watch)
    for (const [, name = ''] of id.matchAll(PLACEHOLDER)) settings[name] = `The ${type} that is watched.`
  Object.assign(settings, declared)
  for (const name of Object.keys(settings))
    if (!/^[A-Z][A-Z0-9_]*$/.test(name))
      fail(`the setting "${name}" must be named like REVIEW_FOLDER_ID, in capitals, digits and underscores.`)
  return settings
}

function retryOf(given: Partial<RetryPolicy>, fail: Fail): RetryPolicy {
  for (const option of Object.keys(given))
    if (!Object.hasOwn(DEFAULT_RETRY, option))
      fail(
        `retry has no option "${option}". Options are attempts, baseSeconds (seconds), capSeconds (seconds).`,
      )
  const retry = { ...DEFAULT_RETRY, ...given }
  if (!Number.isSafeInteger(retry.attempts) || retry.attempts < 1)
    fail('retry.attempts must be a whole number from 1 up.')
  const { baseSeconds, capSeconds } = retry
  if (!(baseSeconds > 0 && capSeconds >= baseSeconds && capSeconds <= WAIT_SECONDS_MAX))
    fail(
      `retry.baseSeconds must be above 0, and retry.capSeconds no less and at most ${WAIT_SECONDS_MAX} (14 days).`,
    )
  return retry
}

/** An automation with the stage's values for its settings. */
export type BoundAutomation = {
  readonly automation: Automation
  readonly settings: Settings
  /** The targets, with their placeholders filled in. */
  readonly watch: readonly Target[]
}

/**
 * Gives automations their settings' values.
 * @throws ConfigError naming every setting that has none
 */
export function bindSettings(automations: readonly Automation[], env: Environment): BoundAutomation[] {
  const problems = automations.flatMap(({ name, settings }) =>
    Object.entries(settings)
      .filter(([setting]) => !env[setting])
      .map(([setting, meaning]) => `${setting} is missing, which the automation ${name} needs (${meaning})`),
  )
  if (problems.length > 0) throw new ConfigError(problems)
  return automations.map(automation => {
    const settings = Object.fromEntries(Object.keys(automation.settings).map(name => [name, env[name] ?? '']))
    const filled = (id: string) => id.replaceAll(PLACEHOLDER, (_, name: string) => settings[name] ?? '')
    return { automation, settings, watch: automation.watch.map(({ type, id }) => ({ type, id: filled(id) })) }
  })
}
