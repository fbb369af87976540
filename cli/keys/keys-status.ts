import { type StageRef as Place, formatStage as placeText } from '../stage/stage-ref.ts'
import { ageText } from '../terminal/age.ts'
import { count } from '../terminal/progress.ts'
import type { Shell } from '../terminal/shell.ts'
import { table } from '../terminal/table.ts'
import { type KeyStatus, readKeyStatus } from './key-status.ts'
import { connectKeys } from './stage-keys.ts'

/**
 * Prints how the signature keys stand; the exit code is 1 where deliveries are refused.
 * @param options.since how far to look back, in milliseconds
 * @throws AwsUnreachable, CommandError
 */
export async function status(
  shell: Shell,
  options: {
    readonly place: Place
    readonly since: number
    readonly last: number
    readonly json?: boolean
  },
): Promise<void> {
  const { place, since: sinceMs, last: enough } = options
  const keys = await connectKeys(shell, place)
  try {
    const found = await readKeyStatus(keys, { place, sinceMs, enough, now: shell.now })
    await shell.print(options.json ? JSON.stringify(found, null, 2) : statusText(found, place, shell.now()))
    if (found.findings.some(({ level }) => level === 'fail')) shell.exitCode = 1
  } finally {
    keys.close()
  }
}

function statusText(
  { since, deliveries, refused, keys, findings }: KeyStatus,
  place: Place,
  now: number,
): string {
  const rows = keys.map(({ name, id, storedAt, storedBefore, lastSeenAt, seen }) => [
    name,
    id ?? '(none)',
    storedAt === null ? '' : `${storedBefore ? 'before ' : ''}${storedAt.slice(0, 19)}Z`,
    id === null
      ? ''
      : lastSeenAt === null
        ? 'not seen'
        : `${ageText((now - Date.parse(lastSeenAt)) / 1000)} ago`,
    id === null ? '' : `${count(seen)} of ${count(deliveries)}`,
  ])
  return [
    `Signature keys of ${placeText(place)}, and the deliveries since ${since.slice(0, 19)}Z: ${count(deliveries)} accepted, ${count(refused)} refused because no key fitted.`,
    '',
    table([['KEY', 'ID', 'STORED', 'LAST SEEN', 'SIGNED'], ...rows]),
    '',
    ...findings.flatMap(({ level, text, fix }) => [
      `${level.padEnd(4)}  ${text}`,
      ...(fix === undefined ? [] : [`      Fix: ${fix}`]),
    ]),
  ].join('\n')
}
