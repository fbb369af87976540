import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import type { Packaged } from '../../../infra/build/package.ts'
import { numberOf, resource } from '../../../infra/build/template.ts'
import { systemClock } from '../../../lib/base/clock.ts'
import { createEmulatedBox, type EmulatedBox } from '../../../local/box/emulated-box.ts'
import { createLambda, type Lambda } from '../../../local/runtime/lambda.ts'
import { serve } from '../../../local/serve.ts'
import type { Aws } from './aws.ts'
import { keepLine } from './logs.ts'
import { KEYS, say, undo } from './scene.ts'
import type { MotoStack } from './stack.ts'

/** The ids of the secrets. */
export type Secrets = Awaited<ReturnType<typeof makeSecrets>>

export async function checkResources(aws: Aws, { template }: Packaged): Promise<void> {
  const queue = await aws.attributesOf(aws.queueUrl)
  const deadLetters = await aws.attributesOf(aws.deadLetterUrl)
  assert.equal(queue.VisibilityTimeout, String(numberOf(template, 'Queue', 'VisibilityTimeout')))
  assert.deepEqual(JSON.parse(queue.RedrivePolicy ?? '{}'), {
    deadLetterTargetArn: deadLetters.QueueArn,
    maxReceiveCount: 1000,
  })
  assert.equal(deadLetters.MessageRetentionPeriod, String(14 * 24 * 3600))
  const { Table } = await aws.dynamodb.send(new DescribeTableCommand({ TableName: aws.table }))
  assert.deepEqual(Table?.KeySchema, resource(template, 'LedgerTable').Properties.KeySchema)
  const indexes = Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName)
  assert.deepEqual(indexes, ['bySource', 'byDay'])
  say('the queues and the table are as the template says')
}

/** moto's CloudFormation makes no secrets, so they are made from what the template says of them. */
export async function makeSecrets({ secretsManager }: Aws, { template }: Packaged) {
  const make = async (id: string): Promise<string> => {
    const SecretString = String(resource(template, id).Properties.SecretString)
    const { ARN = '' } = await secretsManager.send(new CreateSecretCommand({ Name: id, SecretString }))
    return ARN
  }
  return { keys: await make('SignatureKeysSecret'), boxApp: await make('BoxAppSecret') }
}

export async function startBox(): Promise<{ box: EmulatedBox; url: string }> {
  const box = createEmulatedBox({
    clock: systemClock,
    newId: randomUUID,
    keys: KEYS,
    fetch: async () => new Response(null, { status: 202 }),
  })
  const { url, close } = await serve({ fetch: box.fetch, port: 0 })
  undo.push(close, () => box.close())
  return { box, url }
}

export async function startFunction(
  from: { aws: Aws; packaged: Packaged; stack: MotoStack; unpacked: string },
  name: string,
  logicalId: string,
  env: Record<string, string>,
): Promise<Lambda> {
  const { handler, env: given, ...limits } = await from.stack.function(logicalId)
  const folder = join(from.unpacked, name)
  execFileSync('python3', ['-m', 'zipfile', '-e', join(from.packaged.folder, `${name}.zip`), folder])
  const variables = Object.entries(given).map(([variable, value]) => [variable, from.aws.reachable(value)])
  const lambda = createLambda({
    name,
    bundle: join(folder, dirname(handler), 'index.mjs'),
    ...limits,
    env: {
      ...Object.fromEntries(variables),
      ...env,
      ...from.aws.env,
    },
    onLine: line => keepLine(name, line),
  })
  undo.push(() => lambda.close())
  return lambda
}
