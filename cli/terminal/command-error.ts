/** A command can't do what it was asked; its message is all that the user is shown: what happened, then what to do. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError'
  /** What the process ends with. */
  readonly exitCode: number

  /** @param options.exitCode 1 by default; 2 where 1 is a judgement of what was examined */
  constructor(message: string, options: ErrorOptions & { readonly exitCode?: number } = {}) {
    super(message, options)
    this.exitCode = options.exitCode ?? 1
  }
}
