import { inspect } from 'node:util'
import { ExpectedError } from '../../lib/base/expected-error.ts'

/** Ends a command. The message is all that the user is shown: what happened, then what to do. */
export class CommandError extends ExpectedError {
  override readonly name: string = 'CommandError'
  /** What the process ends with. */
  readonly exitCode: number

  /** @param options.exitCode 1 by default; 2 for wrong usage, and where 1 is a judgement of what was examined */
  constructor(message: string, options: ErrorOptions & { readonly exitCode?: number } = {}) {
    super(message, options)
    this.exitCode = options.exitCode ?? 1
  }
}

/** The exit code of a command line that is wrong. */
export const USAGE_ERROR = 2

/** Makes the error of a command line whose words are each right, and wrong together. */
export const usageError = (message: string): CommandError =>
  new CommandError(message, { exitCode: USAGE_ERROR })

/** Returns what is shown of an error: the message of an expected one, and all that is known of any other. */
export const errorText = (error: unknown): string =>
  error instanceof ExpectedError ? error.message : inspect(error)
