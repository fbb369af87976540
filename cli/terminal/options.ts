import { userInfo } from 'node:os'
import { InvalidArgumentError, Option } from 'commander'
import { stageProblem } from '../../infra/stage/stage-name.ts'
import { parseAge } from './age.ts'

// What commander calls to read the value of an option. Each throws InvalidArgumentError, which commander shows.

/** The local stack's port unless another is named. */
export const PORT = 4400

/** Reads a port from 0 to 65535. */
export function port(text: string): number {
  // An empty variable is one that is not set.
  if (text === '') return PORT
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  throw new InvalidArgumentError('It must be a whole number from 0 to 65535.')
}

/** Reads a number of seconds. */
export function seconds(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('It must be a whole number of seconds from 1 up.')
}

/** Reads the name of a stage. */
export function stage(text: string): string {
  const problem = stageProblem(text)
  if (problem === undefined) return text
  throw new InvalidArgumentError(problem)
}

/** Reads an age. @returns seconds */
export function age(text: string): number {
  const found = parseAge(text)
  if (found !== undefined) return found
  throw new InvalidArgumentError('It must be a whole number with a unit: 90s, 30m, 2h or 3d.')
}

/** Reads a span of time, which is longer than none. @returns milliseconds */
export function span(text: string): number {
  const found = age(text)
  if (found > 0) return found * 1000
  throw new InvalidArgumentError('It must be longer than 0s.')
}

/** Reads how many of something. */
export function positive(text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('It must be a positive integer.')
}

/** Reads the id of an event, which is text without spaces. */
export function eventId(text: string): string {
  if (/^[!-~]{1,128}$/.test(text)) return text
  throw new InvalidArgumentError('It must be the id of an event: up to 128 characters without a space.')
}

/** Gathers the values of an option that can be repeated. */
export const repeated = (text: string, before: readonly string[] = []): string[] => [...before, text]

/** Makes the option that says who acts: by default whoever runs the command. */
export const byOption = (description: string): Option =>
  new Option('--by <name>', description).default(userName())

/** A container may run under an id that no user has; then the system has no name for it. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}
