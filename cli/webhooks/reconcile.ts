import {
  isWebhookAnswer,
  type WebhookAnswer,
  type WebhookRequest,
} from '../../lib/webhooks/webhook-request.ts'
import { answeredOtherwise, invokeFunction } from '../place/invoke.ts'
import type { Place } from '../place/place.ts'

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
