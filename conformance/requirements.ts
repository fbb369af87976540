import type { Requirement } from './requirement.ts'
import { privacy, retries, timing } from './requirements/answer-requirements.ts'
import { bodies } from './requirements/body-requirements.ts'
import { encodedSignatures } from './requirements/encoding-requirements.ts'
import { forgedSignatures } from './requirements/forgery-requirements.ts'
import { http } from './requirements/http-requirements.ts'
import { declaredSignatures, genuineSignatures } from './requirements/signature-requirements.ts'
import { timestamps } from './requirements/time-requirements.ts'

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
