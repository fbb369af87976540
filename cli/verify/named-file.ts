import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { CaptureUnreadable } from './capture.ts'

/** Far more than a message of the queue can have, in bytes. */
const BYTES_MAX = 4 * 1024 * 1024

/**
 * Reads a file that a capture names, which whoever wrote the capture has chosen: a regular one of a few megabytes, and nothing
 * that could go on for ever.
 * @throws CaptureUnreadable
 */
export function readNamedFile(path: string): Uint8Array {
  if (path === '-')
    throw new CaptureUnreadable(
      'The curl command takes its body from standard input, so the body is not in it. Put it into a file, and name that: -d @FILE.',
    )
  // A name can have what does something to a terminal.
  const name = path.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd')
  try {
    // Opening a pipe waits for its writer, unless it is told not to.
    const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    try {
      return readBounded(file, name)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (error instanceof CaptureUnreadable) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new CaptureUnreadable(`${name} can't be read (${code}). The curl command names it.`)
  }
}

function readBounded(file: number, name: string): Uint8Array {
  const stat = fstatSync(file)
  if (!stat.isFile())
    throw new CaptureUnreadable(
      `${name}, which the curl command names, is not a regular file. Put the body into a file, and name that.`,
    )
  if (stat.size > BYTES_MAX)
    throw new CaptureUnreadable(
      `${name}, which the curl command names, has ${stat.size} bytes, more than any delivery. Name the file with the body.`,
    )
  // What the kernel makes up as it is read has no size, and no body in it.
  const bytes = new Uint8Array(stat.size)
  return bytes.subarray(0, bytes.length === 0 ? 0 : readSync(file, bytes))
}
