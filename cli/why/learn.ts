import { AwsUnreachable } from '../../infra/stage/aws-reason.ts'
import { FunctionUnreachable } from '../stage/invoke.ts'
import { LogsUnreadable } from '../stage/stage-logs.ts'
import type { Learnt } from './why-facts.ts'

/** Asks for something that an answer can do without: where it can’t be had, says why. */
export async function learn<T>(ask: () => Promise<T>): Promise<Learnt<T>> {
  try {
    return { known: true, value: await ask() }
  } catch (error) {
    if (
      error instanceof LogsUnreadable ||
      error instanceof FunctionUnreachable ||
      error instanceof AwsUnreachable
    )
      return { known: false, reason: error.message }
    throw error
  }
}
