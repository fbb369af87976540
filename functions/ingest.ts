import { ingestFunction } from '../lib/ingest/ingest-function.ts'
import { createIngestAws } from '../lib/ingest-aws.ts'

const { env } = process
const now = Date.now

/** API Gateway's request → queued with 202, or the refusal that fits. */
export const handler = ingestFunction({
  env,
  now,
  write: line => void process.stdout.write(`${line}\n`),
  aws: createIngestAws({ env, now }),
})
