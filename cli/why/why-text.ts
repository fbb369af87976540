import { momentText } from '../terminal/moment.ts'
import { count } from '../terminal/progress.ts'
import { plain } from '../terminal/table.ts'
import { type Answer, formatItem, type Gathered, VERDICTS, type WhyFacts } from './why-facts.ts'

/** Makes the answers for programs. */
export function whyJson({ facts, problems }: Gathered, answers: readonly Answer[]): string {
  const { item, events, since } = facts
  const output = { item, events: events.length, since: new Date(since).toISOString(), answers, problems }
  return JSON.stringify(output, null, 2)
}

/** Makes the answers for people. */
export function whyText({ facts, problems }: Gathered, answers: readonly Answer[], ref: string): string {
  const parts = [
    `${formatItem(facts.item)} in ${ref}: ${eventsText(facts)}`,
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

const answerText = ({ automation, verdict, reason, action }: Answer): string =>
  [`${automation}: ${VERDICTS[verdict]}`, `  ${oneLine(reason)}`, `  Next: ${oneLine(action)}`].join('\n')

const oneLine = (sentences: string): string => sentences.replace(/\s*\n\s*/g, ' ')
