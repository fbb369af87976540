import { readStage } from '../infra/stage.ts'
import { createInspector } from '../local/inspector/inspector.ts'
import { createStageSource } from '../local/inspector/stage-source.ts'
import { serve } from '../local/serve.ts'

export type InspectOptions = {
  readonly stage: string
  readonly region: string
  /** How far back to look, in milliseconds. */
  readonly since: number
  readonly port: number
}

/**
 * Serves the page on a deployed stage, read-only, until it is told to stop.
 * @throws AwsUnreachable, PortTaken
 */
export async function inspect({ stage, region, since, port }: InspectOptions): Promise<void> {
  const outputs = await readStage({ stage, region })
  const source = createStageSource({
    stage,
    region,
    outputs,
    since: Date.now() - since,
    onProblem: console.error,
  })
  const app = await createInspector(source)
  const served = await serve({ fetch: request => app.fetch(request), port }).catch(async (error: unknown) => {
    await source.stop()
    throw error
  })
  console.log(
    `${served.url} shows stage ${stage} in ${region}, read-only: its logs from ${new Date(Date.now() - since).toLocaleString()} on, its ledger and its queues.`,
  )
  console.log('Ctrl-C stops it.')
  await new Promise(resolve => {
    process.on('SIGINT', resolve)
    process.on('SIGTERM', resolve)
  })
  await Promise.all([served.close(), source.stop()])
}
