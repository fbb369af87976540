import fc from 'fast-check'
import { TRIGGERS } from '../../../lib/event/event.ts'
import { samplePayload, wireBody } from '../../../local/box/events/payload.ts'
import { anyCharacter } from '../../support/any-character.ts'

/** Every trigger there is, and some that are not. */
export const triggerName = fc.constantFrom(...Object.keys(TRIGGERS), 'SIGN_REQUEST.SIGNER_SIGNED', 'FILE.NEW')

const PAYLOADS = Object.keys(TRIGGERS).map(trigger => wireBody(samplePayload(trigger)))

/** A body as Box sends it, for any trigger. */
export const payloadBody = fc.constantFrom(...PAYLOADS).map(bytes => Buffer.from(bytes))

/** A body that may be signed: Box's own, other JSON, any text, any bytes. */
export const eventBody: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 3, arbitrary: payloadBody },
  fc
    .record({
      id: fc.string({ unit: anyCharacter }),
      trigger: fc.string({ unit: anyCharacter }),
      webhook: fc.jsonValue(),
    })
    .map(json => Buffer.from(JSON.stringify(json))),
  fc.string({ unit: anyCharacter, maxLength: 60 }).map(text => Buffer.from(text)),
  fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes)),
)
