/**
 * Makes the stack in moto, an emulated AWS, from the compiled template, and takes deliveries through it: the functions
 * run from their artifacts, unpacked away from node_modules, with the environment that CloudFormation gave them.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EXAMPLES } from '../../../infra/build/bundle.ts'
import { packageStage } from '../../../infra/build/package.ts'
import { connect } from './aws.ts'
import { makeUpFor } from './backfill.ts'
import { tell } from './deliver.ts'
import { workOnKeys } from './keys.ts'
import { examine, look, lookBack } from './look.ts'
import { checkResources, makeSecrets, startBox, startFunction } from './make.ts'
import { say, undo } from './scene.ts'
import { startMoto } from './server.ts'
import { createStack } from './stack.ts'

try {
  const moto = await startMoto()
  if (moto) {
    undo.push(() => moto.stop())
    await prove(moto.endpoint)
  } else console.log('SKIPPED: moto_server is not here, so no stack is made in it.')
} finally {
  for (const step of undo.reverse()) await step()
}

async function prove(endpoint: string): Promise<void> {
  const packaged = await packageStage({ stage: 'local', project: EXAMPLES })
  const stack = await createStack(endpoint, packaged)
  say(`moto made ${Object.keys(stack.resources).length} resources; it can't make ${stack.leftOut.join(', ')}`)
  const aws = connect(endpoint, stack)
  await checkResources(aws, packaged)
  const secrets = await makeSecrets(aws, packaged)
  const { box, url } = await startBox()
  const folder = await mkdtemp(join(tmpdir(), 'boxhooks-moto-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  const start = (name: string, logicalId: string, env: Record<string, string>) =>
    startFunction({ aws, packaged, stack, unpacked: folder }, name, logicalId, env)
  const boxApp = { BOX_APP_SECRET_ID: secrets.boxApp, BOX_API_URL: url }
  const ingest = await start('ingest', 'IngestLambdaFunction', { SIGNATURE_KEYS_SECRET_ID: secrets.keys })
  const automate = await start('automate', 'AutomateLambdaFunction', boxApp)
  const reconcile = await start('reconcile', 'ReconcileLambdaFunction', boxApp)
  const backfill = await start('backfill', 'BackfillLambdaFunction', boxApp)
  await tell({ aws, packaged, secrets, box, ingest, automate, reconcile })
  await examine(aws)
  await look(aws)
  await lookBack(aws)
  await workOnKeys(aws, ingest, folder)
  await makeUpFor(aws, box, backfill)
}
