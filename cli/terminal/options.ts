import { userInfo } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { stageProblem } from '../../infra/stage/stage-name.ts'
import { isTime } from '../../lib/backfill/backfill-request.ts'
import { parseAge } from './age.ts'
import { parseMoment } from './moment.ts'
import type { Shell } from './shell.ts'

// Commander calls these to read the value of an option. Each throws InvalidArgumentError, which commander shows.

/** The local stack's port unless another is named. */
export const PORT = 4400

/** Reads a port from 0 to 65535. */
export function port(text: string): number {
  // An empty variable is one that is not set.
  if (text === '') return PORT
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  throw new InvalidArgumentError('It must be an integer from 0 to 65535.')
}

/** Reads how many of something. */
export function positive(text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('It must be a positive integer.')
}

/** Reads a number of seconds. */
export function seconds(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('It must be a positive integer of at most 9999.')
}

/** Reads how many a second. */
export function rate(text: string): number {
  if (/^\d{1,4}(\.\d{1,3})?$/.test(text) && Number(text) >= 0.05 && Number(text) <= 1000) return Number(text)
  throw new InvalidArgumentError('It must be a number from 0.05 to 1000.')
}

/** Reads an age. @returns seconds */
export function age(text: string): number {
  const found = parseAge(text)
  if (found !== undefined) return found
  throw new InvalidArgumentError('It must be an integer with a unit: 90s, 30m, 2h or 3d.')
}

/** Reads a span of time. @returns milliseconds, more than 0 */
export function span(text: string): number {
  const found = age(text)
  if (found > 0) return found * 1000
  throw new InvalidArgumentError('It must be longer than 0s.')
}

/** Reads a time that says its offset. @returns ISO 8601, in UTC */
export function time(text: string): string {
  if (isTime(text)) return new Date(text).toISOString()
  throw new InvalidArgumentError(
    'It must be a time with its offset, such as 2026-11-23T09:00Z or 2026-11-23T10:00+01:00.',
  )
}

/** Makes the parser of an age or a time. @returns reads milliseconds since the epoch */
export const moment =
  ({ now }: Pick<Shell, 'now'>) =>
  (text: string): number => {
    const at = parseMoment(text, now())
    if (at !== undefined) return at
    throw new InvalidArgumentError(
      'It must be an age such as 90s, 30m, 2h or 3d, or a time such as 2026-11-25 or 2026-11-25T10:00Z.',
    )
  }

/** Reads the name of a stage. */
export function stage(text: string): string {
  const problem = stageProblem(text)
  if (problem === undefined) return text
  throw new InvalidArgumentError(problem)
}

/** Reads the id of an event, which is text without spaces. */
export function eventId(text: string): string {
  if (/^[!-~]{1,128}$/.test(text)) return text
  throw new InvalidArgumentError('It must be the id of an event: up to 128 characters without a space.')
}

/** Collects the values of an option that can be repeated. */
export const repeated = (text: string, before: readonly string[] = []): string[] => [...before, text]

/** The values of the options that say where a command works. */
export type StageOptions = {
  readonly stage?: string
  readonly region?: string
  readonly local?: boolean
  readonly port: number
}

/** Adds the options that say where a command works: at a deployed stage, or on the local stack. */
export const withStageOptions = (command: Command): Command =>
  command
    .option('--stage <stage>', 'use this deployed stage')
    .option('--region <region>', 'its region (or set AWS_REGION)')
    .option('--local', 'use the local stack that npm start runs')
    .addOption(new Option('-p, --port <number>', 'its port').default(PORT).env('PORT').argParser(port))

/** Adds the option that prints JSON, for programs. */
export const withJson = (command: Command): Command => command.option('--json', 'print JSON')

/** Adds the option that does what a command would else ask for. */
export const withYes = (command: Command): Command => command.option('-y, --yes', 'do not ask, for scripts')

/**
 * Adds the option that says how far back to look.
 * @param ago the default: an age
 */
export function withSince(command: Command, shell: Pick<Shell, 'now'>, ago: string): Command {
  const read = moment(shell)
  return command.addOption(
    new Option(
      '--since <time>',
      'look back to an age such as 2h or 3d, or a time such as 2026-11-25T10:00 (UTC)',
    )
      .default(read(ago), ago)
      .argParser(read),
  )
}

/** Adds examples to the help of a command: command lines without `npx boxhooks`. */
export const withExamples = (command: Command, ...lines: readonly string[]): Command =>
  command.addHelpText('after', ['', 'Examples:', ...lines.map(line => `  $ npx boxhooks ${line}`)].join('\n'))

/** Makes the option that says who acts: by default whoever runs the command. */
export const byOption = (description: string): Option =>
  new Option('--by <name>', description).default(userName())

/** Returns the user's name; a container may run under an id without one. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}
