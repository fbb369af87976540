import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { bundle, ROOT } from '../../../infra/build/bundle.ts'
import { type CompiledTemplate, environmentOf, resource } from '../../../infra/build/template.ts'
import { type Aws, awsEnvironment } from '../../../local/aws/aws.ts'
import type { Service, ServiceName } from './services.ts'

/**
 * The Lambda's time, in seconds: much shorter than deployed, so that what was lost comes back soon; but long enough for
 * what the engine keeps back of it (5 s for a claim, 2.5 s at the end).
 */
export const FUNCTION_SECONDS = 8
/** AWS wants no less than the function's time. */
const VISIBILITY_SECONDS = 9

/** The bundles that Lambda gets, but with the test's automations. */
export async function buildBundles(): Promise<string> {
  await mkdir(join(ROOT, '.boxhooks'), { recursive: true })
  const folder = await mkdtemp(join(ROOT, '.boxhooks', 'processes-'))
  await bundle({ outDir: folder, automationsDir: join('test', 'thorough', 'processes', 'automations') })
  return folder
}

/** The template, with times so short that what was lost comes back soon. */
export function withShortTimes(template: CompiledTemplate): CompiledTemplate {
  const queue = resource(template, 'Queue')
  const Properties = { ...queue.Properties, VisibilityTimeout: VISIBILITY_SECONDS }
  return { ...template, Resources: { ...template.Resources, Queue: { ...queue, Properties } } }
}

/** A function's environment, in which it finds each service behind its proxy. */
export function functionEnvironment(
  template: CompiledTemplate,
  functionId: string,
  aws: Aws,
  services: Readonly<Record<ServiceName, Service>>,
): Record<string, string> {
  const refs = {
    Queue: aws.queueUrl,
    DeadLetterQueue: aws.deadLetterQueueUrl,
    ReconcileQueue: aws.reconcileQueueUrl,
    LedgerTable: aws.table,
    SignatureKeysSecret: 'SignatureKeysSecret',
    BoxAppSecret: 'BoxAppSecret',
  }
  return {
    ...environmentOf(template, functionId, refs),
    ...awsEnvironment({ sqs: services.sqs.proxied, dynamodb: services.dynamodb.proxied }),
    AWS_ENDPOINT_URL_SECRETS_MANAGER: services.secrets.proxied,
    LOG_LEVEL: 'warn',
  }
}
