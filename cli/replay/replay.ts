import {
  describeReplay,
  type ReplayRequest,
  type ReplaySent,
  readReplayable,
  replayMessage,
  sendReplay,
} from '../../lib/operations/replay.ts'
import { atStage } from '../stage/stage-aws.ts'
import { formatStage, type StageRef } from '../stage/stage-ref.ts'
import { confirm } from '../terminal/confirm.ts'
import type { Shell } from '../terminal/shell.ts'

export type ReplayOptions = ReplayRequest & {
  readonly ref: StageRef
  /** Only shows what would run again. */
  readonly dryRun?: boolean
  /** Does not ask. */
  readonly yes?: boolean
  /** Prints JSON, for programs. */
  readonly json?: boolean
}

/**
 * Runs an event again from the payload in the ledger. Asks first where that repeats finished runs.
 * @throws CommandError, ReplayImpossible, AwsUnreachable
 */
export function replay(shell: Shell, eventId: string, options: ReplayOptions): Promise<void> {
  return atStage(shell, options.ref, async ({ ledger, queue }) => {
    const record = await readReplayable(ledger, eventId)
    const planned = describeReplay(record, replayMessage(record, options).replay)
    if (options.dryRun) return printReplay(shell, planned, options, false)
    const repeats = planned.takenBack.some(({ status }) => status === 'done')
    if (repeats && !options.yes) {
      shell.printError(`${planText(planned, options)}\n`)
      await confirm(shell, 'This repeats finished runs. Run them again?', NOT_INTERACTIVE)
    }
    await printReplay(shell, await sendReplay({ ledger, queue }, eventId, options), options, true)
  })
}

const NOT_INTERACTIVE =
  'This repeats finished runs. Not a terminal, so nothing was replayed. To replay it, add --yes.'

async function printReplay(
  { print }: Shell,
  replayed: ReplaySent,
  options: ReplayOptions,
  sent: boolean,
): Promise<void> {
  if (options.json) await print(JSON.stringify({ sent, ...replayed }, null, 2))
  else await print([planText(replayed, options), ...(sent ? ['The event is on the queue.'] : [])].join('\n'))
}

function planText({ eventId, trigger, takenBack, left }: ReplaySent, options: ReplayOptions): string {
  const names = (runs: ReplaySent['left']) => runs.map(({ name, status }) => `${name} (${status})`).join(', ')
  return [
    `${trigger} ${eventId} in ${formatStage(options.ref)}`,
    `  runs again  ${names(takenBack) || 'nothing'}`,
    ...(left.length > 0 ? [`  unchanged   ${names(left)}`] : []),
    ...notes({ takenBack, left }, options),
  ].join('\n')
}

function notes(
  { takenBack, left }: Pick<ReplaySent, 'takenBack' | 'left'>,
  { automation, force }: ReplayRequest,
): string[] {
  const isKnown = [...takenBack, ...left].some(({ name }) => name === automation)
  if (automation !== undefined && !isKnown)
    return [
      `${automation} has no run for this event yet. It starts if it is deployed and the event concerns it.`,
    ]
  const isDone = left.some(({ name, status }) => status === 'done' && (automation ?? name) === name)
  return [
    ...(isDone && !force ? ['Finished runs run again only with --force.'] : []),
    ...(automation === undefined
      ? ['Automations deployed since then start too, if the event concerns them.']
      : []),
  ]
}
