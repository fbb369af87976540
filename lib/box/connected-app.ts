import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { BoxClient } from 'box-node-sdk'
import { BoxCcgAuth, BoxJwtAuth, CcgConfig, JwtConfig } from 'box-node-sdk/box'
import type { Authentication, NetworkClient } from 'box-node-sdk/networking'
import { AutomationError } from '../base/errors.ts'
import type { Log } from '../log/log.ts'
import { type BoxApp, BoxAppError, parseBoxApp } from './box-app.ts'
import { type BoxRun, type BoxSessionOptions, createSession } from './box-session.ts'
import { BoxToken } from './box-token.ts'

export type SecretsManager = Pick<SecretsManagerClient, 'send'>

export type BoxConnectionOptions = {
  /** Gives a client when the app's secret is to be read. */
  readonly secretsManager: () => SecretsManager | Promise<SecretsManager>
  readonly secretId: string
  /** https://api.box.com, or an emulated Box. */
  readonly apiUrl: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Gets the calls that belong to no run. */
  readonly log: Log
  /** Carries the SDK's calls; the SDK's own HTTP client by default. */
  readonly network?: NetworkClient
}

/** The SDK with the app's credentials and one token for all its clients. */
export type ConnectedApp = { clientFor(run: BoxRun): BoxClient }

/**
 * Reads the app's credentials. Loading this file loads the official SDK.
 * @param onRefused called when Box has refused the app
 * @throws AutomationError of class `auth` where the secret can't be read or holds no credentials
 */
export async function connectApp(
  options: BoxConnectionOptions,
  onRefused: () => void,
): Promise<ConnectedApp> {
  const { apiUrl, now, network, log } = options
  const auth = authOf(await readApp(options))
  const session: BoxSessionOptions = { apiUrl, now, network, onRefused }
  const sessionFor = (signal: AbortSignal) => createSession({ log, signal }, session)
  const token = new BoxToken({ auth, sessionFor, now })
  return {
    clientFor: run => new BoxClient({ auth: token, networkSession: createSession(run, session, token) }),
  }
}

function authOf(app: BoxApp): Authentication {
  if (app.kind === 'client-credentials') return new BoxCcgAuth({ config: new CcgConfig(app) })
  const { publicKeyId: jwtKeyId, passphrase: privateKeyPassphrase, ...same } = app
  return new BoxJwtAuth({ config: new JwtConfig({ ...same, jwtKeyId, privateKeyPassphrase }) })
}

async function readApp({ secretsManager, secretId }: BoxConnectionOptions): Promise<BoxApp> {
  try {
    const { GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager')
    const answer = await (await secretsManager()).send(new GetSecretValueCommand({ SecretId: secretId }))
    return parseBoxApp(answer.SecretString)
  } catch (error) {
    const code = error instanceof BoxAppError ? 'box_app_secret_invalid' : 'box_app_secret_unavailable'
    const message =
      error instanceof BoxAppError
        ? error.message
        : "The Box app's secret could not be read from Secrets Manager. Check that it exists and that automate may read it."
    throw new AutomationError({ class: 'auth', code, message }, { cause: error })
  }
}
