import {
  isWebhookAnswer,
  type WebhookAnswer,
  type WebhookRequest,
} from '../../lib/webhooks/webhook-request.ts'
import { answeredOtherwise, invokeFunction } from './invoke.ts'
import type { Place } from './stage-ref.ts'

/**
 * Asks the function reconcile of a place.
 * @param signal ends the waiting, not what the function does
 * @throws FunctionUnreachable; the signal's reason
 */
export async function askReconcile(
  place: Place,
  request: WebhookRequest,
  signal?: AbortSignal,
): Promise<WebhookAnswer> {
  const answer = await invokeFunction(place, 'reconcile', request, signal)
  if (!isWebhookAnswer(answer)) throw answeredOtherwise(place, 'reconcile')
  return answer
}
