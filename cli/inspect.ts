import { randomBytes } from 'node:crypto'
import { readStage } from '../infra/stage/stage.ts'
import { createInspector } from '../local/inspector/inspector.ts'
import { createStageSource } from '../local/inspector/sources/stage-source.ts'
import { behindToken } from '../local/runtime/behind-token.ts'
import { serve } from '../local/serve.ts'
import type { Shell } from './terminal/shell.ts'

export type InspectOptions = {
  readonly stage: string
  readonly region: string
  /** From when on the logs are read, in milliseconds since the epoch. */
  readonly since: number
  readonly port: number
}

/**
 * Serves the inspector on a deployed stage, read-only, until it is interrupted. It shows what is in the company's Box, so
 * only the printed address, which has a token, can read it.
 * @throws AwsUnreachable, PortTaken
 */
export async function inspect(shell: Shell, options: InspectOptions): Promise<void> {
  const { stage, region, since, port } = options
  const outputs = await readStage({ stage, region })
  const source = createStageSource({
    stage,
    region,
    outputs,
    since,
    onProblem: shell.printError,
  })
  const app = await createInspector(source)
  const token = randomBytes(24).toString('base64url')
  const fetch = behindToken(token, request => app.fetch(request))
  const served = await serve({ fetch, port }).catch(async (error: unknown) => {
    await source.stop()
    throw error
  })
  await shell.print(
    `${served.url}/?token=${token} shows stage ${stage} in ${region}, read-only: its logs from ${new Date(since).toLocaleString()} on, its ledger and its queues.`,
  )
  await shell.print('Ctrl-C stops it.')
  await new Promise<void>(resolve => shell.onInterrupt(resolve))
  await Promise.all([served.close(), source.stop()])
}
