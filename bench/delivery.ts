import { randomUUID } from 'node:crypto'
import { sign } from '../lib/ingest/signature.ts'

export type Keys = { readonly primary: string; readonly secondary: string }

/** The keys that every receiver here is set up with. */
export const KEYS: Keys = {
  primary: 'bench-primary-key-0123456789abcdef',
  secondary: 'bench-secondary-key-0123456789abc',
}

/** The folders that the file lies in, the watched one last. */
const FOLDERS = [
  { type: 'folder', id: '0', name: 'All Files' },
  { type: 'folder', id: '100001', name: 'Review' },
]

/** A body like Box's, of so many bytes. */
export function bodyOf(bytes: number): string {
  const json = (description: string) =>
    JSON.stringify({
      type: 'webhook_event',
      id: randomUUID(),
      created_at: '2026-11-25T10:00:00-08:00',
      trigger: 'FILE.UPLOADED',
      webhook: { id: '1234', type: 'webhook' },
      source: {
        type: 'file',
        id: '987654321',
        name: 'contract.pdf',
        description,
        path_collection: { total_count: 2, entries: FOLDERS },
      },
      additional_info: [],
    })
  return json('x'.repeat(Math.max(0, bytes - json('').length)))
}

/** A delivery's headers, signed now with both keys. */
export function headersOf(
  body: string,
  at = new Date().toISOString(),
  keys: Keys = KEYS,
): Record<string, string> {
  const bytes = Buffer.from(body)
  return {
    'content-type': 'application/json',
    'box-delivery-id': randomUUID(),
    'box-delivery-timestamp': at,
    'box-signature-version': '1',
    'box-signature-algorithm': 'HmacSHA256',
    'box-signature-primary': sign(bytes, at, keys.primary),
    'box-signature-secondary': sign(bytes, at, keys.secondary),
  }
}

/** A delivery as API Gateway's HTTP API hands it to a function. */
export function gatewayEvent(body = bodyOf(2048)): object {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/box/webhook',
    rawQueryString: '',
    headers: headersOf(body),
    requestContext: {
      http: { method: 'POST', path: '/box/webhook', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' },
      requestId: randomUUID(),
      stage: '$default',
    },
    body,
    isBase64Encoded: false,
  }
}
