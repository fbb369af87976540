import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import {
  GetSecretValueCommand,
  type GetSecretValueCommandOutput,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { AwsUnreachable } from '../../infra/stage/aws-reason.ts'
import { type KeySecret, keySecretText, readKeySecret } from '../../lib/key-secret.ts'
import { createKeyTraffic, KEY_EVENTS, type KeyTraffic } from '../../lib/key-traffic.ts'
import { createLogFeed } from '../../local/inspector/sources/log-feed.ts'
import { INITIALIZE, reachStage, explainErrors as telling } from '../stage/stage-aws.ts'
import { type StageRef as Place, formatStage as placeText } from '../stage/stage-ref.ts'
import { CommandError } from '../terminal/command-error.ts'
import type { Shell } from '../terminal/shell.ts'

/** The signature keys of a place, and what its traffic says of them. Whatever can't be reached throws AwsUnreachable. */
export type StageKeys = {
  /** @throws CommandError where the secret is not of its form */
  read(): Promise<StoredKeys>
  /**
   * Stores another secret in the place of one that was read.
   * @throws KeysChanged where somebody else was faster; nothing is changed then
   */
  write(before: StoredKeys, secret: KeySecret): Promise<void>
  /**
   * Follows what the deliveries say of the keys.
   * @param since from when on, in milliseconds since the epoch
   */
  watch(since: number): KeyWatch
  close(): void
}

export type StoredKeys = {
  readonly secret: KeySecret
  /** The id of the version that was read. */
  readonly version: string
  /** Since when it is stored as it is, in milliseconds since the epoch. */
  readonly at: number
}

export type KeyWatch = {
  /** Reads what is new. @returns all since the beginning */
  read(): Promise<KeyTraffic>
}

/** Somebody else has changed the secret in the meantime. */
export class KeysChanged extends CommandError {
  override readonly name = 'KeysChanged'

  constructor() {
    super('Somebody else has changed the signature keys in the meantime, so nothing was stored.')
  }
}

/**
 * Connects to the signature keys of a place and to ingest's log.
 * @throws AwsUnreachable
 */
export async function connectKeys(shell: Shell, place: Place): Promise<StageKeys> {
  const { output, client } = await reachStage(shell, place)
  const SecretId = output('SignatureKeysSecretArn')
  const secrets = new SecretsManagerClient(client('SECRETS_MANAGER'))
  const logs = new CloudWatchLogsClient(client('CLOUDWATCH_LOGS'))
  secrets.middlewareStack.add(telling('secretsmanager', place), INITIALIZE)
  logs.middlewareStack.add(telling('logs', place), INITIALIZE)
  return {
    async read() {
      const answer = await readCurrent(secrets, SecretId)
      const { SecretString, VersionId = '', CreatedDate } = answer
      return {
        secret: parsed(SecretString, place),
        version: VersionId,
        at: CreatedDate?.getTime() ?? 0,
      }
    },
    async write({ version }, secret) {
      // Only the label makes a version the current one, and it is moved only from the version that was read.
      const SecretString = keySecretText(secret)
      const put = new PutSecretValueCommand({ SecretId, SecretString, VersionStages: [NEXT] })
      const { VersionId } = await secrets.send(put)
      try {
        await secrets.send(
          new UpdateSecretVersionStageCommand({
            SecretId,
            VersionStage: CURRENT,
            MoveToVersionId: VersionId,
            RemoveFromVersionId: version,
          }),
        )
      } catch (error) {
        if (causeName(error) === 'InvalidParameterException') throw new KeysChanged()
        throw error
      }
    },
    watch(since) {
      const seen = createKeyTraffic()
      const feed = createLogFeed({
        readPage: input => logs.send(new FilterLogEventsCommand(input)),
        group: `/aws/lambda/boxhooks-${'stage' in place ? place.stage : 'local'}-ingest`,
        pattern: PATTERN,
        since,
        onLine: ({ text, at }) => seen.take(text, at),
      })
      return {
        async read() {
          while (!(await feed.read()));
          return seen.traffic
        },
      }
    },
    close() {
      secrets.destroy()
      logs.destroy()
    },
  }
}

/** The label of the version that ingest reads, and of one that is to be it. */
const CURRENT = 'AWSCURRENT'
const NEXT = 'BOXHOOKS_NEXT'

const PATTERN = `{ ${KEY_EVENTS.map(name => `($.event = "${name}")`).join(' || ')} }`

/** A secret that never had a value has none to be read. */
async function readCurrent(
  secrets: SecretsManagerClient,
  SecretId: string,
): Promise<Pick<GetSecretValueCommandOutput, 'SecretString' | 'VersionId' | 'CreatedDate'>> {
  try {
    return await secrets.send(new GetSecretValueCommand({ SecretId, VersionStage: CURRENT }))
  } catch (error) {
    const { cause } = error instanceof AwsUnreachable ? error : { cause: undefined }
    if (cause instanceof Error && /staging label/i.test(cause.message)) return { SecretString: '{}' }
    throw error
  }
}

function parsed(text: string | undefined, place: Place): KeySecret {
  try {
    return readKeySecret(text)
  } catch {
    throw new CommandError(
      `What is stored as signature keys of ${placeText(place)} is no JSON object, so ingest can't read it either. Store both keys anew: npx boxhooks secrets set signature-keys${'stage' in place ? ` --stage ${place.stage}` : ''}`,
    )
  }
}

const causeName = (error: unknown): string =>
  error instanceof AwsUnreachable && error.cause instanceof Error ? error.cause.name : ''
