import type { BodyCause } from './body-repairs.ts'

/** Everything that the signature doctor can name. Stable: they stand in its JSON, and docs/verify.md lists them. */
export type Cause =
  | BodyCause
  | 'v1_payload'
  | 'header_missing'
  | 'header_renamed'
  | 'header_repeated'
  | 'version_unsupported'
  | 'algorithm_unsupported'
  | 'method_changed'
  | 'body_missing'
  | 'body_bytes_lost'
  | 'body_too_large'
  | 'timestamp_reformatted'
  | 'timestamp_invalid'
  | 'timestamp_too_old'
  | 'timestamp_in_future'
  | 'signature_encoding'
  | 'signed_otherwise'
  | 'keys_swapped'
  | 'key_outdated'
  | 'key_whitespace'
  | 'key_quoted'
  | 'key_encoded'
  | 'wrong_key'
  | 'no_key'

export type CauseText = {
  /** What happened, in a sentence. */
  readonly says: string
  /** What to do, in one or two. */
  readonly fix: string
}

const RAW =
  'Verify the bytes as they came, before anything reads them: express.raw(), request.get_data() in Flask, request.body in Django, php://input, event.body in Lambda.'

/** What each cause means, and what to do about it. */
export const CAUSES: Readonly<Record<Cause, CauseText>> = {
  v1_payload: {
    says: 'This is a callback of a V1 webhook, which Box does not sign.',
    fix: 'Make a V2 webhook, which is signed; or take V1 callbacks at the route that is for them, /box/v1, with a shared token (docs/webhooks.md).',
  },
  header_missing: {
    says: 'A header that a signed delivery must have is missing.',
    fix: 'Generate signature keys in the Developer Console under Webhooks, Manage signature keys: Box sends these headers from then on. If it does have keys, let every proxy, CDN and gateway pass on the headers that begin with box-.',
  },
  header_renamed: {
    says: 'The headers are here under other names.',
    fix: 'Read them by the names that Box gives them, in any case. HTTP_BOX_… is the name that CGI, PHP and Django give a header; some proxies change hyphens or add a prefix.',
  },
  header_repeated: {
    says: 'A header came more than once, and its values were joined.',
    fix: 'Find the proxy that adds the header again, or that sends the request through twice, and let it replace headers instead.',
  },
  version_unsupported: {
    says: 'The header box-signature-version is not 1, the only version there is.',
    fix: 'See what changes headers on the way: Box sends 1.',
  },
  algorithm_unsupported: {
    says: 'The header box-signature-algorithm is not HmacSHA256, the only algorithm there is.',
    fix: 'See what changes headers on the way: Box sends HmacSHA256, in just this spelling.',
  },
  method_changed: {
    says: 'The request is no POST, and Box sends nothing else.',
    fix: 'A redirect makes a GET without a body of a POST. Give the webhook the address that answers itself: https, with or without the slash at its end.',
  },
  body_missing: {
    says: 'The request has no body, and a delivery of Box always has one.',
    fix: 'See whether something before the check has read the body away, or whether the capture just leaves it out.',
  },
  body_reserialised: {
    says: 'The body was parsed and written again, so its bytes are not those that Box signed.',
    fix: RAW,
  },
  body_base64: {
    says: 'The body is still base64.',
    fix: "Decode it before the check: where a Lambda's event has isBase64Encoded, Buffer.from(event.body, 'base64').",
  },
  body_not_base64: {
    says: 'The body is said to be base64, and is none.',
    fix: 'Decode the body only where isBase64Encoded is true for the body as it is; something between the gateway and the check has decoded it already.',
  },
  body_double_encoded: {
    says: 'The body was made a JSON string of once more.',
    fix: 'Leave out the JSON.stringify (json.dumps, to_json) over the body, which is a text already. In the check: parse it once, then verify what comes out.',
  },
  body_compressed: {
    says: 'The body is compressed.',
    fix: 'Decompress it before the check, as content-encoding says. Box sends it uncompressed, so a proxy does that.',
  },
  body_charset: {
    says: 'The body went through the wrong character encoding.',
    fix: 'Keep the body as bytes until it is verified; where it must be a text, read and write it as UTF-8.',
  },
  body_bom: {
    says: 'A byte-order mark was put before the body.',
    fix: 'Write and read the body without one: as bytes, or as UTF-8 (not UTF-8 with signature).',
  },
  body_newline_added: {
    says: 'White space was added to the body.',
    fix: 'Take the body without it. An editor, echo or a line-wise reader adds a line end; if only this capture was saved so, the receiver is not at fault.',
  },
  body_newline_removed: {
    says: 'A line end was taken off the body.',
    fix: 'Do not trim the body before the check.',
  },
  body_line_endings: {
    says: 'The line ends of the body were changed.',
    fix: 'Keep the body as bytes: text mode, editors and version control change line ends.',
  },
  body_url_encoded: {
    says: 'The body was encoded or parsed as a form.',
    fix: `Take the body as application/json, not as a form. ${RAW}`,
  },
  body_chunked: {
    says: 'The chunk sizes of HTTP stand in the body.',
    fix: 'Decode transfer-encoding: chunked before the check; an HTTP library does that. If only this capture is of the bare connection, the receiver is not at fault.',
  },
  body_extra_bytes: {
    says: 'The body has more bytes than were signed.',
    fix: 'Take just content-length bytes: a buffer that is larger than the body, or a second request behind the first, adds others.',
  },
  body_truncated: {
    says: 'The body is cut off.',
    fix: 'Read the whole body before the check, not just the first piece of the stream, and raise limits of size on the way (proxy, body parser, log line).',
  },
  body_bytes_lost: {
    says: 'Bytes of the body were lost when it was made a text.',
    fix: 'Keep the body as bytes: what is no UTF-8 becomes U+FFFD in a text, and does not come back.',
  },
  body_too_large: {
    says: 'The delivery is correctly signed, but the body does not fit a message of the queue (1 MiB).',
    fix: 'Nothing that Box is known to send is as large; see what has made it so.',
  },
  timestamp_reformatted: {
    says: 'The timestamp was written anew, and its text is signed as it stands.',
    fix: 'Sign over the text of box-delivery-timestamp just as it came, without parsing it.',
  },
  timestamp_invalid: {
    says: 'The timestamp is no date-time of RFC 3339, though the signature fits.',
    fix: 'See what changes box-delivery-timestamp on the way. If nothing does, report it: Box may have changed its format.',
  },
  timestamp_too_old: {
    says: 'The delivery is too old.',
    fix: 'Either it was sent again by somebody (a replay), or it was held up on its way, or the receiver’s clock runs ahead: compare that with an NTP server.',
  },
  timestamp_in_future: {
    says: 'The delivery is from the future.',
    fix: 'The receiver’s clock is behind: compare it with an NTP server.',
  },
  signature_encoding: {
    says: 'The signature is written otherwise than Box writes it.',
    fix: "Compare base64 with base64, as in HMAC.digest('base64'): not hex, not URL-safe, with its padding, and with nothing around it.",
  },
  signed_otherwise: {
    says: 'Something else was signed than the body and then the timestamp.',
    fix: 'Box did not sign this. Whoever made the signature must take the body’s bytes first, and the text of box-delivery-timestamp right behind them.',
  },
  keys_swapped: {
    says: 'The primary and the secondary key are swapped.',
    fix: 'Store each under the name that it has in the Developer Console. boxhooks takes either under either header; Box’s own SDKs do not.',
  },
  key_outdated: {
    says: 'One of the two keys is not the one that Box signs with.',
    fix: 'In the middle of a rotation that is as it must be. Otherwise copy this key from the Developer Console again, before the other one is reset.',
  },
  key_whitespace: {
    says: 'There is white space in a key that should not be there, or missing that was.',
    fix: 'Store the key without line ends and blanks: printf rather than echo, and no line breaks from copying.',
  },
  key_quoted: {
    says: 'A key has quotes around it.',
    fix: 'Store the key without quotes; docker --env-file and some .env readers keep them.',
  },
  key_encoded: {
    says: 'A key was encoded or decoded before it was used.',
    fix: 'Use the text of the key as it stands in the Developer Console, as UTF-8: not decoded from base64 or hex, not encoded.',
  },
  wrong_key: {
    says: 'The keys are not those that this delivery was signed with.',
    fix: 'Copy both again from the Developer Console, Webhooks, Manage signature keys, of just the application that the webhook belongs to: another app, stage or enterprise has others, and a reset makes new ones.',
  },
  no_key: {
    says: 'There is no key to verify with.',
    fix: 'Give the keys of the application that the webhook belongs to.',
  },
}
