import { parentPort, workerData } from 'node:worker_threads'
import { enter, hmac, KEYS, NOW } from '../fuzz/door.ts'

/** Sends deliveries of a size through the front door, as events parsed from JSON, and says how each was answered. */
const { megabytes, key, count }: { megabytes: number; key: string; count: number } = workerData
const body = Buffer.alloc(megabytes * 1024 * 1024, '{"id":"1","trigger":"FILE.LOCKED"} ')
const timestamp = new Date(NOW).toISOString()
const json = JSON.stringify({
  version: '2.0',
  rawPath: '/box/webhook',
  headers: {
    'box-delivery-id': 'd1',
    'box-delivery-timestamp': timestamp,
    'box-signature-version': '1',
    'box-signature-algorithm': 'HmacSHA256',
    'box-signature-primary': hmac(body, timestamp, key === 'genuine' ? KEYS.primary : key),
  },
  requestContext: { stage: '$default', http: { method: 'POST' } },
  body: body.toString('base64'),
  isBase64Encoded: true,
})
const codes: string[] = []
for (let sent = 0; sent < count; sent += 1) codes.push((await enter(JSON.parse(json))).answer.code)
parentPort?.postMessage(codes)
