import { beforeAll, beforeEach } from 'vitest'
import { type Deployed, startDeployed } from './deployed.ts'
import { type Embedded, startEmbedded } from './embedded.ts'

/** The servers that answer as AWS does, and the stage prod on them with queues of this test's own. */
export type TestStage = { readonly aws: Embedded; readonly stage: Deployed }

/**
 * Starts the servers for a file's tests, and a stage for each of them.
 * @param outputs what the stage's stack has besides
 */
export function useStage(outputs: Readonly<Record<string, string>> = {}): TestStage {
  let aws: Embedded
  let stage: Deployed
  beforeAll(async () => {
    aws = await startEmbedded()
    return () => aws.stop()
  })
  beforeEach(async () => {
    stage = await startDeployed(aws, outputs)
    return () => stage.close()
  })
  return {
    get aws() {
      return aws
    },
    get stage() {
      return stage
    },
  }
}
