import type { Delivery, Expectation, Header, Kit } from './delivery.ts'
import type { Requirement } from './requirement.ts'
import { type Answer, send } from './send.ts'

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
  const { kit, url, headers = [], timeoutMs = BOX_WAITS_MS } = options
  if (requirement.needs === 'secondary' && kit.secondary === undefined)
    return { requirement, result: 'skipped', detail: 'The secondary key was not given.', ms: 0 }
  const begun = performance.now()
  const deliveries = requirement.requests(kit)
  const withinMs = Math.min(requirement.withinMs ?? BOX_WAITS_MS, timeoutMs)
  const ask = (delivery: Delivery): Promise<Answer> => send(url, delivery, headers, withinMs)
  const answers: Answer[] = []
  if (requirement.together) answers.push(...(await Promise.all(deliveries.map(ask))))
  else for (const delivery of deliveries) answers.push(await ask(delivery))

  const problems = deliveries.flatMap((delivery, index) => {
    const answer = answers[index]
    const problem = answer && problemOf(requirement, answer, delivery, kit)
    return problem === undefined ? [] : [deliveries.length > 1 ? `request ${index + 1}: ${problem}` : problem]
  })
  const ms = Math.round(performance.now() - begun)
  return { requirement, result: problems.length === 0 ? 'passed' : 'failed', detail: problems.join('; '), ms }
}

function problemOf(
  { expect: usual, inspect }: Requirement,
  answer: Answer,
  delivery: Delivery,
  kit: Kit,
): string | undefined {
  const expect = delivery.expect ?? usual
  if (answer.kind === 'silent') return `${WANTED[expect]} was expected, and there was ${answer.reason}`
  const { status, text } = answer
  if (!FITS[expect](status)) return `${WANTED[expect]} was expected, and ${status} came`
  return inspect?.(text, delivery, kit)
}

const WANTED: Readonly<Record<Expectation, string>> = {
  accepted: '2xx',
  refused: '4xx',
  handled: 'anything but 5xx',
}

const FITS: Readonly<Record<Expectation, (status: number) => boolean>> = {
  accepted: status => status >= 200 && status < 300,
  refused: status => status >= 400 && status < 500,
  handled: status => status < 500,
}

/** Whether a receiver keeps to all that it must keep to. */
export const conforms = (findings: readonly Finding[]): boolean =>
  findings.every(({ result, requirement }) => result !== 'failed' || requirement.level === 'should')
