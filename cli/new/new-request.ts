import { nameProblem } from '../../lib/automation/automation.ts'
import { type Target, TRIGGERS, type Trigger, triggerOf } from '../../lib/event/event.ts'
import { parseTarget } from '../../lib/event/target.ts'
import { targetProblems, triggerProblems } from '../../lib/webhooks/webhook-rules.ts'
import { CommandError, USAGE_ERROR } from '../terminal/command-error.ts'
import { near } from '../terminal/near.ts'

/** A valid request for a new automation. */
export type NewAutomation = {
  readonly name: string
  readonly on: readonly Trigger[]
  /** An id may be `${NAME}`. */
  readonly watch: readonly Target[]
  /** The settings that watched ids name. */
  readonly settings: readonly string[]
}

/** Makes the error of a command that writes nothing, with everything that is wrong. */
export const createRefusal = (
  problems: readonly string[],
  options: ErrorOptions & { readonly exitCode?: number } = {},
): CommandError =>
  new CommandError(['Nothing was written.', ...problems.map(problem => `  ${problem}`)].join('\n'), options)

export type NewWords = {
  readonly name: string
  /** Triggers, in either of Box's spellings. */
  readonly on: readonly string[]
  /** `folder:123`, `file:123` or `folder:${NAME}`. */
  readonly watch: readonly string[]
}

/**
 * Reads what was asked for.
 * @throws CommandError with everything that is wrong
 */
export function readRequest({ name, on, watch }: NewWords): NewAutomation {
  const wrongName = nameProblem(name)
  const triggers = on.map(triggerOf).filter(trigger => trigger !== undefined)
  const targets = watch.map(readTarget)
  const found = distinct(targets.filter(target => typeof target !== 'string'))
  const problems = [
    ...(wrongName ? [`NAME ${JSON.stringify(name)}: ${wrongName}`] : []),
    ...on.filter(word => !triggerOf(word)).map(unknownTrigger),
    ...targets.filter(target => typeof target === 'string'),
    ...found.flatMap(target => inapplicable(target, triggers)),
  ]
  if (problems.length > 0) throw createRefusal(problems, { exitCode: USAGE_ERROR })
  const settings = found.flatMap(({ id }) => SETTING.exec(id)?.[1] ?? [])
  return { name, on: [...new Set(triggers)], watch: found, settings: [...new Set(settings)] }
}

const SETTING = /^\$\{([A-Z][A-Z0-9_]*)\}$/

/** Parses a target. @returns it, or what is wrong with the word */
function readTarget(word: string): Target | string {
  const fail = (problem: string): string => `--watch ${JSON.stringify(word)}: ${problem}`
  const target = parseTarget(word)
  if (!target)
    return fail(
      "write folder:ID or file:ID. An id may name a setting, in single quotes for the shell: 'folder:${NAME}'.",
    )
  if (SETTING.test(target.id)) return target
  if (target.id.includes('$'))
    return fail('a setting is named in capitals, digits and underscores: folder:${REVIEW_FOLDER_ID}.')
  const [problem] = targetProblems(target)
  return problem ? fail(problem.message) : target
}

function unknownTrigger(word: string): string {
  const like = near(word, Object.keys(TRIGGERS))
  const hint = like.length > 0 ? `Is it ${like.join(' or ')}?` : 'docs/write-an-automation.md lists all.'
  return `--on ${JSON.stringify(word)}: Box has no such trigger. ${hint}`
}

/** Lists the triggers that can't be watched on the target. Box sends some without a webhook. */
function inapplicable(target: Target, triggers: readonly Trigger[]): string[] {
  const asked = triggers.filter(trigger => TRIGGERS[trigger].subscribable)
  if (asked.length === 0) return []
  return triggerProblems({ target, triggers: asked }).map(({ message }) => `--on: ${message}`)
}

const distinct = (targets: readonly Target[]): Target[] =>
  targets.filter(
    ({ type, id }, index) => targets.findIndex(one => one.type === type && one.id === id) === index,
  )
