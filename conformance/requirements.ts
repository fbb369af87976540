import { privacy, retries, timing } from './answer-requirements.ts'
import { bodies } from './body-requirements.ts'
import { encodedSignatures } from './encoding-requirements.ts'
import { forgedSignatures } from './forgery-requirements.ts'
import { http } from './http-requirements.ts'
import type { Requirement } from './requirement.ts'
import { declaredSignatures, genuineSignatures } from './signature-requirements.ts'
import { timestamps } from './time-requirements.ts'

/** Everything that the kit asks of a receiver, in the order in which it asks. */
export const REQUIREMENTS: readonly Requirement[] = [
  ...genuineSignatures,
  ...forgedSignatures,
  ...encodedSignatures,
  ...declaredSignatures,
  ...timestamps,
  ...bodies,
  ...http,
  ...retries,
  ...timing,
  ...privacy,
]
