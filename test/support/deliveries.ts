import type { Delivery } from '../../lib/ingest/delivery.ts'
import { type SignatureKeys, sign } from '../../lib/ingest/signature.ts'

/**
 * A delivery as it comes in at the front door, signed as Box does it.
 * @param sentAt milliseconds since the epoch
 */
export function deliveryOf(keys: SignatureKeys, sentAt: number, id: string): Delivery {
  const body = Buffer.from(JSON.stringify({ type: 'webhook_event', id, trigger: 'FILE.UPLOADED' }))
  const timestamp = new Date(sentAt).toISOString()
  const { primary, secondary } = keys
  return {
    method: 'POST',
    path: '/box/webhook',
    query: '',
    body,
    headers: {
      'box-delivery-id': id,
      'box-delivery-timestamp': timestamp,
      'box-signature-version': '1',
      'box-signature-algorithm': 'HmacSHA256',
      ...(primary ? { 'box-signature-primary': sign(body, timestamp, primary) } : {}),
      ...(secondary ? { 'box-signature-secondary': sign(body, timestamp, secondary) } : {}),
    },
  }
}
