import { type Stack, type StackOptions, startStack } from '../../local/stack.ts'
import { packagedLocal } from './packaged.ts'
import { useStarted } from './started.ts'

/** Starts a stack of the samples on a free port. */
export const startTestStack = async (options: StackOptions = {}): Promise<Stack> =>
  startStack({ port: 0, packaged: await packagedLocal(), ...options })

/** One stack for all tests of a file or a describe block; see {@link startTestStack}. */
export const useStack = (options?: StackOptions): Stack =>
  useStarted(
    () => startTestStack(options),
    stack => stack.stop(),
  )
