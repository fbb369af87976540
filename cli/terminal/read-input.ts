import { readFileSync } from 'node:fs'
import { CommandError } from './command-error.ts'
import type { Shell } from './shell.ts'

/**
 * Reads a file that the user names.
 * @param path of the file, or `-` for standard input
 * @throws CommandError
 */
export function readInput({ readStdin }: Shell, path: string): Uint8Array {
  try {
    return path === '-' ? readStdin() : readFileSync(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new CommandError(`${path === '-' ? 'Standard input' : path} can't be read (${code}).`)
  }
}

/** Reads text as {@link readInput} does, without the mark that some editors begin a file with. */
export const readText = (shell: Shell, path: string): string =>
  Buffer.from(readInput(shell, path))
    .toString()
    .replace(/^\ufeff/, '')
