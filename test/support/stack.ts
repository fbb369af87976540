import { type Stack, type StackOptions, startStack } from '../../local/stack.ts'
import { packagedLocal } from './packaged.ts'
import { onlySamples } from './samples.ts'
import { useStarted } from './started.ts'

/** Starts a stack on a free port with the automations of boxhooks alone, whatever is in automations/. */
export async function startTestStack(options: StackOptions = {}): Promise<Stack> {
  const stack = await startStack({ port: 0, packaged: await packagedLocal(), ...options })
  try {
    const removeSamples = await onlySamples(stack)
    const stop = async () => {
      await stack.stop()
      await removeSamples()
    }
    return { ...stack, stop }
  } catch (error) {
    await stack.stop()
    throw error
  }
}

/** One stack for all tests of a file or a describe block; see {@link startTestStack}. */
export const useStack = (options?: StackOptions): Stack =>
  useStarted(
    () => startTestStack(options),
    stack => stack.stop(),
  )
