import { createIngestAws } from '../lib/ingest/aws.ts'
import { ingestFunction } from '../lib/ingest/ingest-function.ts'

const { env } = process

/** API Gateway's request → queued with 202, or the refusal that fits. */
export const handler = ingestFunction({
  env,
  now: Date.now,
  write: line => void process.stdout.write(`${line}\n`),
  aws: createIngestAws({ env }),
})
