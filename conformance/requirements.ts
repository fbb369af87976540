import { bodies } from './body-requirements.ts'
import { http, privacy, retries, timing } from './http-requirements.ts'
import type { Requirement } from './requirement.ts'
import { declaredSignatures, forgedSignatures, genuineSignatures } from './signature-requirements.ts'
import { timestamps } from './time-requirements.ts'

/** Everything that the kit asks of a receiver, in the order in which it asks. */
export const REQUIREMENTS: readonly Requirement[] = [
  ...genuineSignatures,
  ...forgedSignatures,
  ...declaredSignatures,
  ...timestamps,
  ...bodies,
  ...http,
  ...retries,
  ...timing,
  ...privacy,
]
