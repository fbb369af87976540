/**
 * Reports what an operator or an author can act on: the message says what happened, then what to do, and is all that
 * a command shows. Any other error is a bug, and is shown with its stack.
 */
export class ExpectedError extends Error {
  override readonly name: string = 'ExpectedError'
}
