import { WebhooksManager } from 'box-node-sdk/managers/webhooks'

// The verifier of Box's SDK alone: no key is fetched, nothing is queued.
export const handler = async ({ body, headers }) => {
  const { BENCH_PRIMARY: primary, BENCH_SECONDARY: secondary } = process.env
  const valid = await WebhooksManager.validateMessage(body, headers, primary, { secondaryKey: secondary })
  return { statusCode: valid ? 202 : 401 }
}
