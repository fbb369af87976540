import { atStage } from '../stage/stage-aws.ts'
import { openLogs } from '../stage/stage-logs.ts'
import { placeText } from '../stage/stage-ref.ts'
import { momentText } from '../terminal/moment.ts'
import { count } from '../terminal/progress.ts'
import { interruptible, type Shell } from '../terminal/shell.ts'
import { plain } from '../terminal/table.ts'
import { answersTo } from './why-answer.ts'
import { type Answer, VERDICTS, type WhyFacts } from './why-facts.ts'
import { type Asked, type Gathered, gatherFacts } from './why-gather.ts'
import { itemText } from './why-item.ts'

export type WhyOptions = Asked & {
  /** Prints JSON, for programs. */
  readonly json?: boolean
}

/**
 * Says in plain words whether and why automations did or did not run for an item.
 * @throws CommandError, StageParamsError, AwsUnreachable
 */
export function why(shell: Shell, options: WhyOptions): Promise<void> {
  const { place } = options
  return atStage(shell, place, ({ ledger, history }) =>
    interruptible(shell, 'Stopping.', async signal => {
      const logs = openLogs(shell, place, signal)
      try {
        const gathered = await gatherFacts(shell, options, { ledger, history, logs, signal })
        if (signal.aborted) return
        const asked = options.automation
        const answers = answersTo(gathered.facts).filter(
          ({ automation }) => asked === undefined || automation === asked,
        )
        await shell.print(options.json ? jsonText(gathered, answers) : text(gathered, answers, options))
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        logs.close()
      }
    }),
  )
}

function jsonText({ facts, problems }: Gathered, answers: readonly Answer[]): string {
  const { item, events, since } = facts
  const told = { item, events: events.length, since: new Date(since).toISOString(), answers, problems }
  return JSON.stringify(told, null, 2)
}

function text({ facts, problems }: Gathered, answers: readonly Answer[], { place }: WhyOptions): string {
  const parts = [
    `${itemText(facts.item)} in ${placeText(place)}: ${eventsText(facts)}`,
    ...answers.map(answerText),
    ...(answers.length === 0 ? ['No automation is declared. Next: npx boxhooks new'] : []),
    ...problems,
  ]
  return parts.map(part => part.split('\n').map(plain).join('\n')).join('\n\n')
}

function eventsText({ events, since, now }: WhyFacts): string {
  const [last] = events
  if (!last) return `no event since ${momentText(since, now)}.`
  const number = events.length === 1 ? '1 event' : `${count(events.length)} events`
  return `${number} since ${momentText(since, now)}, the last ${last.trigger} of ${momentText(Date.parse(last.receivedAt), now)}.`
}

const answerText = ({ automation, verdict, because, next }: Answer): string =>
  [`${automation}: ${VERDICTS[verdict]}`, `  ${oneLine(because)}`, `  Next: ${oneLine(next)}`].join('\n')

const oneLine = (sentences: string): string => sentences.replace(/\s*\n\s*/g, ' ')
