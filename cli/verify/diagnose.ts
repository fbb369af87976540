import { parseTimestamp } from '../../lib/base/timestamp.ts'
import {
  type KeyName,
  missingHeader,
  SIGNATURE_ALGORITHM,
  SIGNATURE_VERSION,
  type SignatureKeys,
  sign,
} from '../../lib/ingest/signature.ts'
import { createFinding, type Finding } from './causes.ts'
import { repairBody, suspectChanges } from './repair-body.ts'

export type DiagnosisInput = {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** As they were given, white space around them included. */
  readonly keys: SignatureKeys
  /** The moment at which to judge, in milliseconds since the epoch. */
  readonly at: number
  readonly ageMaxSeconds: number
  readonly skewMaxSeconds: number
}

/** One thing that a receiver checks. */
export type Check = {
  readonly name: 'headers' | 'version' | 'algorithm' | KeyName | 'time'
  readonly result: 'ok' | 'fail' | 'skip'
  readonly summary: string
}

export type Diagnosis = {
  /** In the order in which a receiver makes them; the signatures are over the request as it is. */
  readonly checks: readonly Check[]
  /** Why the signature or the time is refused; empty where neither is, or where they can't be judged. */
  readonly causes: readonly Finding[]
  /** What ingest accepts, and other receivers may not. */
  readonly warnings: readonly Finding[]
  /** Which signature fits which key once the cause is undone. */
  readonly proof?: string
  readonly ageSeconds: number | undefined
  /** Whether the body was too large to undo changes of it. */
  readonly cutShort: boolean
}

/** The largest body whose changes are undone, four times what the queue takes: some seconds of work at worst. */
export const REPAIR_BYTES_MAX = 4 * 1024 * 1024

const NAMES = ['primary', 'secondary'] as const

/** A signature header that fits a key. */
type Match = { readonly header: KeyName; readonly key: KeyName }

/** What had to be undone for a signature to fit. */
type Explanation = { readonly matches: readonly Match[]; readonly undone: readonly Finding[] }

/**
 * Names the causes for which a delivery is refused: undoes one change at a time, of the keys or of the body, until a
 * signature fits. What it returns holds nothing of a key, a header or the body. Never throws.
 * @see https://developer.box.com/guides/webhooks/v2/signatures-v2/
 */
export function diagnose(input: DiagnosisInput): Diagnosis {
  const { headers, body, keys } = input
  const plain = findMatches(input, body, trimKeys(keys))
  const explanation = plain.length > 0 ? { matches: plain, undone: [] } : explain(input)
  const sentAt = parseTimestamp(headers['box-delivery-timestamp'] ?? '')
  const ageSeconds = sentAt === undefined ? undefined : (input.at - sentAt) / 1000
  const clock = findClockError(input, ageSeconds)
  const [best] = explanation?.matches ?? []
  return {
    checks: listChecks(input, plain, clock, ageSeconds),
    causes: explanation ? [...explanation.undone, ...clock] : findLikelyCauses(input),
    warnings: [...(explanation ? findKeyWarnings(input, explanation.matches) : []), ...findPaddedKeys(keys)],
    ...(plain.length === 0 && best
      ? { proof: `With this undone, the ${best.header} signature fits the ${best.key} key.` }
      : {}),
    ageSeconds,
    cutShort: !explanation && body.length > REPAIR_BYTES_MAX,
  }
}

/** Trims keys as ingest does, and leaves out empty ones. */
export const trimKeys = ({ primary, secondary }: SignatureKeys): SignatureKeys => ({
  primary: primary?.trim() || undefined,
  secondary: secondary?.trim() || undefined,
})

/** Finds the signatures that fit a body; a header that fits the key of its own name comes first. */
function findMatches({ headers }: DiagnosisInput, body: Uint8Array, keys: SignatureKeys): Match[] {
  const timestamp = headers['box-delivery-timestamp']
  if (!timestamp || body.length === 0) return []
  const all = NAMES.flatMap(key => {
    const signature = keys[key] && sign(body, timestamp, keys[key])
    const fits = (header: KeyName): boolean =>
      signature !== undefined && headers[`box-signature-${header}`] === signature
    return NAMES.filter(fits).map((header): Match => ({ header, key }))
  })
  return all.sort((a, b) => Number(b.header === b.key) - Number(a.header === a.key))
}

function explain(input: DiagnosisInput): Explanation | undefined {
  const keys = trimKeys(input.keys)
  const bare = { primary: bareKey(keys.primary), secondary: bareKey(keys.secondary) }
  const matches = findMatches(input, input.body, bare)
  const [best] = matches
  if (best) {
    const evidence = `The signature fits the ${best.key} key without its quotes and white space.`
    return { matches, undone: [createFinding('key_quoted', 'proven', evidence)] }
  }
  if (input.body.length > REPAIR_BYTES_MAX || !isJudgeable(input)) return undefined
  for (const { cause, bytes, evidence } of repairBody(Buffer.from(input.body))) {
    const matches = findMatches(input, bytes, keys)
    if (matches.length > 0) return { matches, undone: [createFinding(cause, 'proven', evidence)] }
  }
  return undefined
}

/** Box makes keys of letters and digits. */
const bareKey = (key: string | undefined): string | undefined => key?.replace(/[\s"'`\\\u2018-\u201d]/g, '')

/** Whether there is all that a signature can be computed from and compared with. */
const isJudgeable = ({ headers, body, keys }: DiagnosisInput): boolean =>
  Boolean(keys.primary?.trim() || keys.secondary?.trim()) &&
  Boolean(headers['box-signature-primary'] || headers['box-signature-secondary']) &&
  Boolean(headers['box-delivery-timestamp']) &&
  body.length > 0

/** Names what is likely where no signature fits. */
function findLikelyCauses(input: DiagnosisInput): Finding[] {
  const { headers, body } = input
  if (!isJudgeable(input)) return []
  if (body.length > REPAIR_BYTES_MAX) {
    const evidence = `The body has ${body.length} bytes, so no change was undone. Verify a smaller delivery.`
    return [createFinding('wrong_key', 'likely', evidence)]
  }
  const length = headers['content-length'] ?? ''
  const changes = suspectChanges(Buffer.from(body), /^\d{1,9}$/.test(length) ? Number(length) : undefined)
  const found = changes.map(({ cause, evidence }) => createFinding(cause, 'likely', evidence))
  if (found.some(({ cause }) => cause === 'body_truncated')) return found
  const evidence = 'No signature fits a key, neither over the body as it is nor with one change undone.'
  return [...found, createFinding('wrong_key', 'likely', evidence)]
}

/** Finds what is wrong with the keys though a signature fits. */
function findKeyWarnings({ headers, keys }: DiagnosisInput, matches: readonly Match[]): Finding[] {
  const [best] = matches
  if (best && best.header !== best.key) {
    const evidence = `The ${best.header} signature fits the key that is given as ${best.key}.`
    return [createFinding('keys_swapped', 'proven', evidence)]
  }
  const isUnfit = (name: KeyName): boolean =>
    Boolean(headers[`box-signature-${name}`] && keys[name]?.trim()) &&
    !matches.some(({ header }) => header === name)
  return NAMES.filter(isUnfit).map(name => {
    const evidence = `The ${name} signature fits neither key, and the other one does. During a rotation this is normal.`
    return createFinding('wrong_key', 'proven', evidence)
  })
}

const findPaddedKeys = (keys: SignatureKeys): Finding[] =>
  NAMES.filter(name => keys[name]?.trim() && keys[name] !== keys[name].trim()).map(name => {
    const evidence = `The ${name} key has white space around it. boxhooks drops it; other receivers sign with it.`
    return createFinding('key_quoted', 'proven', evidence)
  })

function findClockError(input: DiagnosisInput, age: number | undefined): Finding[] {
  const { ageMaxSeconds, skewMaxSeconds } = input
  if (age === undefined || (age <= ageMaxSeconds && -age <= skewMaxSeconds)) return []
  const evidence = `The delivery is ${describeAge(age)}; ${age > 0 ? ageMaxSeconds : skewMaxSeconds} s are allowed.`
  const hours = Math.abs(Math.round(age / 1800) / 2)
  const isZone = hours > 0 && hours <= 14 && Math.abs(Math.abs(age) - hours * 3600) <= 20
  const zone = `That is ${hours} hours nearly to the second, as when local time is taken for UTC.`
  return [createFinding('clock', 'proven', evidence, ...(isZone ? [zone] : []))]
}

/** Writes an age in seconds, and where they are many, in hours too. */
function describeAge(age: number): string {
  const seconds = Math.round(Math.abs(age) * 1000) / 1000
  const hours = seconds < 7200 ? '' : ` (${Math.round(seconds / 360) / 10} hours)`
  return `${seconds} s${hours} ${age < 0 ? 'ahead' : 'old'}`
}

function listChecks(
  input: DiagnosisInput,
  matches: readonly Match[],
  clock: readonly Finding[],
  age?: number,
): Check[] {
  const { headers } = input
  const check = (name: Check['name'], header: string, isOk: boolean, summary: string): Check =>
    headers[header]
      ? { name, result: isOk ? 'ok' : 'fail', summary }
      : { name, result: 'skip', summary: 'the header is missing' }
  const expect = (name: 'version' | 'algorithm', expected: string): Check => {
    const header = `box-signature-${name}`
    return check(name, header, headers[header] === expected, `must be ${expected}`)
  }
  const missing = missingHeader(headers)
  const headersSummary = missing === undefined ? 'all that a signed delivery has' : `missing: ${missing}`
  const time = age === undefined ? 'not a date-time of RFC 3339' : describeAge(age)
  return [
    { name: 'headers', result: missing === undefined ? 'ok' : 'fail', summary: headersSummary },
    expect('version', SIGNATURE_VERSION),
    expect('algorithm', SIGNATURE_ALGORITHM),
    ...NAMES.map(name => {
      const match = matches.find(({ header }) => header === name)
      return check(
        name,
        `box-signature-${name}`,
        match !== undefined,
        match ? `fits the ${match.key} key` : 'fits no key',
      )
    }),
    check('time', 'box-delivery-timestamp', age !== undefined && clock.length === 0, time),
  ]
}
