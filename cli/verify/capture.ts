import type { CapturedRequest } from '../../lib/doctor/patient.ts'
import { CommandError } from '../terminal/command-error.ts'

export const FORMATS = ['http', 'har', 'curl', 'lambda', 'json'] as const

/** http: the text of a request. lambda: the event of API Gateway, payload format 1.0 or 2.0. json: another tool's export. */
export type Format = (typeof FORMATS)[number]

/** A request out of a capture, and what the capture tells of it beside. */
export type Capture = CapturedRequest & {
  readonly format: Format
  /** Which of the capture's requests it is, from 0 on, where it can have several. */
  readonly entry?: number
  /** When it was received, in milliseconds since the epoch; undefined where the capture does not tell. */
  readonly receivedAt?: number | undefined
  /** What was left out or understood in reading. */
  readonly notes: readonly string[]
}

/** A capture that holds no request that can be read; the message says why, and what to do. */
export class CaptureUnreadable extends CommandError {
  override readonly name = 'CaptureUnreadable'

  constructor(message: string) {
    super(message, { exitCode: 2 })
  }
}
