import type { KeyName, SignatureKeys } from '../ingest/signature.ts'
import type { BodyContext } from './body-repairs.ts'
import { CAUSES, type Cause } from './causes.ts'
import type { Mended } from './mended-headers.ts'
import type { SearchResult } from './signature-search.ts'

/** A request as somebody captured it. */
export type CapturedRequest = {
  /** Undefined where the capture does not tell. */
  readonly method?: string | undefined
  /** The path without the query; undefined where the capture does not tell. */
  readonly path?: string | undefined
  /** What follows the question mark, encoded; empty where nothing does. */
  readonly query: string
  /** Names in any case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** The body's text before it was decoded from base64, where the capture said that it was base64. */
  readonly undecoded?: Uint8Array | undefined
  /** Whether the capture has the body parsed, so that its bytes are not in it. */
  readonly parsed?: boolean
}

export type DoctorOptions = {
  readonly keys: SignatureKeys
  /** The moment at which to judge, in milliseconds since the epoch. */
  readonly at: number
  /** How old a delivery may be, in seconds; 600 by default. */
  readonly ageMaxSeconds?: number
  /** How far ahead of the receiver's clock it may be, in seconds; 60 by default. */
  readonly skewMaxSeconds?: number
}

export type Finding = {
  readonly cause: Cause
  /** Proven: the signature fits once this is undone, or it can be seen. Likely: it is what remains. */
  readonly certainty: 'proven' | 'likely'
  readonly says: string
  readonly evidence: readonly string[]
  readonly fix: string
}

/** A request with all that was found out about it before anything is said. */
export type Patient = {
  readonly request: CapturedRequest
  readonly options: DoctorOptions
  readonly mended: Mended
  readonly signatures: Readonly<Record<KeyName, string | undefined>>
  readonly search: SearchResult
}

/** Makes a finding with the texts that its cause has. */
export const finding = (
  cause: Cause,
  certainty: Finding['certainty'],
  ...evidence: readonly string[]
): Finding => ({
  cause,
  certainty,
  says: CAUSES[cause].says,
  evidence,
  fix: CAUSES[cause].fix,
})

/** As ingest reads its secret. */
export const trimmed = ({ primary, secondary }: SignatureKeys): SignatureKeys => ({
  ...(primary?.trim() ? { primary: primary.trim() } : {}),
  ...(secondary?.trim() ? { secondary: secondary.trim() } : {}),
})

/** What the headers tell of the body. */
export function contextOf({ headers, undecoded }: CapturedRequest): BodyContext {
  const length = headerOf(headers, 'content-length')
  return {
    contentEncoding: headerOf(headers, 'content-encoding'),
    contentLength: length !== undefined && /^\d{1,9}$/.test(length) ? Number(length) : undefined,
    undecoded,
  }
}

/** A header's value, its name in any case. */
export const headerOf = (headers: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.entries(headers).find(([one]) => one.toLowerCase() === name)?.[1]

/** Whether the capture tells a method that Box does not use. */
export const isOtherMethod = ({ method }: CapturedRequest): boolean =>
  method !== undefined && method !== 'POST'
