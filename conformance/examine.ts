import type { Delivery, Expectation, Header, Kit } from './delivery.ts'
import type { Requirement } from './requirement.ts'
import { type Answer, oneConnection, type SendOptions, send } from './send.ts'

/** Whether a receiver keeps to one requirement. */
export type Finding = {
  readonly requirement: Requirement
  readonly result: 'passed' | 'failed' | 'skipped'
  /** What was seen where it failed, or why it was skipped. */
  readonly detail: string
  /** How long it took, in milliseconds. */
  readonly ms: number
}

export type ExamineOptions = {
  readonly url: URL
  readonly kit: Kit
  readonly requirements: readonly Requirement[]
  /** Headers that each request carries besides, such as one that a gateway asks for. */
  readonly headers?: readonly Header[]
  /** How long an answer may take at most, in milliseconds; Box waits 30 s. */
  readonly timeoutMs?: number
  readonly onFinding?: (finding: Finding) => void
}

/** How long Box waits for an answer, in milliseconds. */
const BOX_WAITS_MS = 30_000

/** Asks a receiver for everything that is required, one requirement after the other. Never throws. */
export async function examine(options: ExamineOptions): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const requirement of options.requirements) {
    const finding = await examineOne(requirement, options)
    findings.push(finding)
    options.onFinding?.(finding)
  }
  return findings
}

async function examineOne(requirement: Requirement, options: ExamineOptions): Promise<Finding> {
  const { kit } = options
  const { needs } = requirement
  if (needs !== undefined && kit[needs] === undefined)
    return { requirement, result: 'skipped', detail: `The ${needs} key was not given.`, ms: 0 }
  const begun = performance.now()
  const deliveries = requirement.requests(kit)
  const answers = await ask(deliveries, requirement, options)
  const problems = deliveries.flatMap((delivery, index) => {
    const answer = answers[index]
    const problem = answer && problemOf(requirement, answer, delivery, kit)
    return problem === undefined ? [] : [deliveries.length > 1 ? `request ${index + 1}: ${problem}` : problem]
  })
  const ms = Math.round(performance.now() - begun)
  return { requirement, result: problems.length === 0 ? 'passed' : 'failed', detail: problems.join('; '), ms }
}

async function ask(
  deliveries: readonly Delivery[],
  { way, withinMs = BOX_WAITS_MS }: Requirement,
  { url, headers: more = [], timeoutMs = BOX_WAITS_MS }: ExamineOptions,
): Promise<readonly Answer[]> {
  const connection = way === 'on one connection' ? oneConnection(url) : undefined
  const options: SendOptions = {
    more,
    timeoutMs: Math.min(withinMs, timeoutMs),
    ...(connection ? { connection } : {}),
  }
  if (way === 'together') return Promise.all(deliveries.map(delivery => send(url, delivery, options)))
  const answers: Answer[] = []
  for (const delivery of deliveries) answers.push(await send(url, delivery, options))
  connection?.destroy()
  return answers
}

function problemOf(
  { expect: usual, inspect }: Requirement,
  answer: Answer,
  delivery: Delivery,
  kit: Kit,
): string | undefined {
  const expect = delivery.expect ?? usual
  if (expect === 'anything') return undefined
  if (answer.kind === 'silent') return `${WANTED[expect]} was expected, and there was ${answer.reason}`
  const { status } = answer
  if (!FITS[expect](status)) return `${WANTED[expect]} was expected, and ${status} came${UNFIT[status] ?? ''}`
  return inspect?.(answer, delivery, kit)
}

const WANTED: Readonly<Record<Expectation, string>> = {
  accepted: '2xx',
  refused: '4xx',
  'refused or throttled': '4xx',
  handled: 'anything but 5xx',
  anything: 'anything',
}

/** Answers that say nothing of the delivery, so that no requirement is shown by them. */
const UNFIT: Readonly<Record<number, string>> = {
  408: ', which says that the request took too long to arrive',
  429: ', which says that the receiver has had too many requests',
}

const FITS: Readonly<Record<Expectation, (status: number) => boolean>> = {
  accepted: status => status >= 200 && status < 300,
  refused: status => status >= 400 && status < 500 && !(status in UNFIT),
  'refused or throttled': status => status >= 400 && status < 500,
  handled: status => status < 500 && !(status in UNFIT),
  anything: () => true,
}

/** Whether a receiver keeps to all that it must keep to. */
export const conforms = (findings: readonly Finding[]): boolean =>
  findings.every(({ result, requirement }) => result !== 'failed' || requirement.level === 'should')
