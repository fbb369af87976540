import { randomUUID } from 'node:crypto'
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { systemClock } from '../../lib/base/clock.ts'
import { serve } from '../serve.ts'
import { AwsEndpointFailed } from './aws.ts'
import { createSecretsManager } from './secrets-manager.ts'

/** The stack's secrets in a Secrets Manager that the functions can reach. */
export type Secrets = {
  readonly url: string
  /** Logical id → what the functions know the secret by. */
  readonly ids: Readonly<Record<string, string>>
  /** Gives a secret, by its logical id, another value. */
  set(id: string, value: string): Promise<void>
  stop(): Promise<void>
}

/**
 * Makes secrets in an emulated Secrets Manager of our own, or in whatever emulates AWS at an endpoint.
 * @param values logical id → value
 * @param env the credentials and region of whatever emulates AWS
 * @param onCurrent is told, by its logical id, of each value that somebody gives one of our own; what emulates AWS elsewhere tells nothing
 * @throws AwsEndpointFailed
 */
export async function startSecrets(
  values: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
  endpoint?: string,
  onCurrent?: (id: string, value: string) => void,
): Promise<Secrets> {
  if (endpoint === undefined) {
    const manager = createSecretsManager(values, systemClock.now, onCurrent)
    const { url, close } = await serve({ fetch: manager.fetch, port: 0 })
    return {
      url,
      ids: Object.fromEntries(Object.keys(values).map(id => [id, id])),
      set: async (id, value) => manager.set(id, value),
      stop: close,
    }
  }
  const client = new SecretsManagerClient({
    endpoint,
    region: env.AWS_REGION ?? '',
    credentials: {
      accessKeyId: env.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '',
    },
  })
  const ids: Record<string, string> = {}
  const stop = async () => {
    // An endpoint that is gone by now has nothing left to remove.
    await Promise.allSettled(
      Object.values(ids).map(SecretId =>
        client.send(new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true })),
      ),
    )
    client.destroy()
  }
  try {
    for (const [id, SecretString] of Object.entries(values)) {
      // A name of its own, for an endpoint that others use as well.
      const Name = `boxhooks-local-${id}-${randomUUID().slice(0, 8)}`
      ids[id] = (await client.send(new CreateSecretCommand({ Name, SecretString }))).ARN ?? Name
    }
  } catch (error) {
    await stop()
    throw new AwsEndpointFailed(endpoint, error)
  }
  const set = async (id: string, SecretString: string): Promise<void> => {
    await client.send(new PutSecretValueCommand({ SecretId: ids[id] ?? id, SecretString }))
  }
  return { url: endpoint, ids, set, stop }
}
