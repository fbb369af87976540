import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseWebhookRequest } from '../../../lib/webhooks/webhook-request.ts'
import { boundary } from './boundary.ts'

const id = fc.oneof(
  fc.constantFrom('5001', '0', '', '../users/1', '5001/', '１２', '5001\n', '1'.repeat(40)),
  fc.integer(),
  fc.string(),
)
const target = fc.oneof(
  fc.record({ type: fc.constantFrom('file', 'folder', 'user', '__proto__'), id }, { requiredKeys: [] }),
  fc.jsonValue({ maxDepth: 1 }),
)
const triggers = fc.oneof(
  fc.array(fc.constantFrom('FILE.UPLOADED', 'FILE.EATEN', '', 'constructor')),
  fc.jsonValue({ maxDepth: 1 }),
)
const action = fc.constantFrom('plan', 'apply', 'list', 'get', 'create', 'update', 'delete', 'destroy')
const request = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record(
      { action, id, target, triggers, address: fc.oneof(fc.webUrl(), fc.jsonValue({ maxDepth: 1 })) },
      { requiredKeys: [] },
    ),
  },
  fc.jsonValue(),
)

/** Whatever reconcile is asked: it is none of the requests, or one whose parts have the right form. */
export const webhookRequests = boundary('webhook-requests', { weight: 3, quickCases: 1500 }, request, raw => {
  const parsed = parseWebhookRequest(raw)
  if (!parsed) return
  if ('id' in parsed) assert.match(parsed.id, /^[0-9]{1,32}$/)
  if ('target' in parsed) assert.ok(parsed.target?.type === 'file' || parsed.target?.type === 'folder')
  if ('triggers' in parsed) assert.ok(parsed.triggers?.every(one => typeof one === 'string'))
  if ('address' in parsed) assert.equal(typeof parsed.address, 'string')
})
