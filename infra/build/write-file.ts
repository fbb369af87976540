import { writeFile as write } from 'node:fs/promises'
import { ExpectedError } from '../../lib/base/expected-error.ts'

/** A file could not be written; the message names it, the reason, and what to do. */
export class FileNotWritten extends ExpectedError {
  override readonly name = 'FileNotWritten'

  constructor(path: string, cause: unknown) {
    const code = cause instanceof Object ? String(Reflect.get(cause, 'code')) : 'unknown'
    const reason = REASONS[code] ?? 'See what keeps it from being written, and try again.'
    super(`${path} can't be written (${code}). ${reason}`, { cause })
  }
}

const FULL = 'The disk is full, or your share of it. Free some space, and try again.'
const FORBIDDEN = 'You may not write there. Choose another folder, or change whose it is, and try again.'
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EFBIG: 'It would be larger than a file may be here. Raise the limit (`ulimit -f`), and try again.',
  EACCES: FORBIDDEN,
  EPERM: FORBIDDEN,
  EROFS: FORBIDDEN,
}

/**
 * Writes a file.
 * @throws FileNotWritten
 */
export async function writeFile(path: string, contents: string | Uint8Array): Promise<void> {
  await write(path, contents).catch((error: unknown) => {
    throw new FileNotWritten(path, error)
  })
}
