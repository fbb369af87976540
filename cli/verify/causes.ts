/** Everything that `verify` can name. Stable: its JSON has them, and docs/verify.md lists them. */
export type Cause =
  | 'body_reserialised'
  | 'body_base64'
  | 'body_charset'
  | 'body_newline'
  | 'body_truncated'
  | 'body_url_encoded'
  | 'wrong_key'
  | 'keys_swapped'
  | 'key_quoted'
  | 'clock'

/** The causes that a change of the body can be. */
export type BodyCause = Extract<Cause, `body_${string}`>

type CauseText = {
  /** What happened, in a sentence. */
  readonly summary: string
  /** What to do, in one or two. */
  readonly fix: string
}

const RAW =
  'Verify the bytes as they came, before anything parses them: express.raw(), request.get_data() in Flask, request.body in Django, php://input, event.body in Lambda.'

export const CAUSES: Readonly<Record<Cause, CauseText>> = {
  body_reserialised: {
    summary: 'The body was parsed and written again, so its bytes are not those that Box signed.',
    fix: RAW,
  },
  body_base64: {
    summary: 'The body is still base64.',
    fix: "Decode it before the check: where a Lambda's event has isBase64Encoded, Buffer.from(event.body, 'base64').",
  },
  body_charset: {
    summary: 'The body went through the wrong character encoding.',
    fix: 'Keep the body as bytes until it is verified. Where it must be text, read and write it as UTF-8 without a byte-order mark.',
  },
  body_newline: {
    summary: 'A line end or other white space was added to the body.',
    fix: 'Take the body without it. Editors, echo and readers of lines add a line end. If only this capture was saved that way, the receiver is not at fault.',
  },
  body_truncated: {
    summary: 'The body is cut off.',
    fix: 'Read the whole body before the check, not only the first piece of the stream. Raise limits of size on the way: proxy, body parser, log line.',
  },
  body_url_encoded: {
    summary: 'The body was encoded as a form.',
    fix: `Take the body as application/json, not as a form. ${RAW}`,
  },
  wrong_key: {
    summary: 'A key is not the one that this delivery was signed with.',
    fix: 'Copy both keys again from the Developer Console, Webhooks, Manage signature keys, of the application that the webhook belongs to. Another application has other keys, and a reset makes new ones.',
  },
  keys_swapped: {
    summary: 'The primary and the secondary key are swapped.',
    fix: 'Store each under the name that it has in the Developer Console. boxhooks takes either under either header; the SDKs of Box do not.',
  },
  key_quoted: {
    summary: 'A key has quotes or white space around or within it.',
    fix: 'Store the key without them. docker --env-file and some readers of .env keep quotes, echo adds a line end, and copying adds line breaks.',
  },
  clock: {
    summary: 'The time of the delivery and the time of the check are too far apart.',
    fix: 'Compare the receiver’s clock with an NTP server. A delivery that is too old may also have been delayed, or sent again by someone else (a replay).',
  },
}

/** A cause that a delivery has. */
export type Finding = CauseText & {
  readonly cause: Cause
  /** Proven: a signature or the clock shows it. Likely: it is what remains. */
  readonly certainty: 'proven' | 'likely'
  readonly evidence: readonly string[]
}

/** Makes a finding with the texts of its cause. */
export const createFinding = (
  cause: Cause,
  certainty: Finding['certainty'],
  ...evidence: readonly string[]
): Finding => ({ cause, certainty, summary: CAUSES[cause].summary, evidence, fix: CAUSES[cause].fix })
