import type { WireObject } from '../events/shapes.ts'

/** A refusal in the terms of Box's API. */
export class BoxRefusal extends Error {
  override readonly name = 'BoxRefusal'
  readonly status: number
  readonly code: string
  readonly contextInfo: WireObject | undefined

  constructor(status: number, code: string, message: string, contextInfo?: WireObject) {
    super(message)
    this.status = status
    this.code = code
    this.contextInfo = contextInfo
  }
}

export const notFound = (what: string, id: string): BoxRefusal =>
  new BoxRefusal(404, 'not_found', 'Not Found', {
    errors: [
      {
        reason: 'invalid_parameter',
        name: what,
        message: `Invalid value '${id}'. '${what}' with value '${id}' not found`,
      },
    ],
  })

/** @param name the parameter that is wrong, such as `target.id` */
export const invalidParameter = (name: string, message: string): BoxRefusal =>
  new BoxRefusal(400, 'bad_request', 'Bad Request', {
    errors: [{ reason: 'invalid_parameter', name, message }],
  })
