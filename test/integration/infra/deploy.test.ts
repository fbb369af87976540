import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { syncWebhooks } from '../../../cli/deploy.ts'
import { parseObject } from '../../../lib/base/json.ts'
import { useStack } from '../../support/stack.ts'

/** In AWS's place. */
const stack = useStack()

let printed: string[]
beforeEach(() => {
  printed = []
  for (const method of ['log', 'error'] as const)
    vi.spyOn(console, method).mockImplementation(text => void printed.push(String(text)))
  vi.stubEnv('AWS_ENDPOINT_URL_LAMBDA', stack.url)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'x')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'x')
  stack.box.webhooks.all.clear()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const afterDeploying = (stage: string): Promise<number> => syncWebhooks({ stage, region: 'eu-central-1' })

/** Gives the secret of the Box app another value, which a function learns when it starts. */
async function storeBoxApp(secret: object): Promise<void> {
  const told = parseObject(await (await fetch(`${stack.url}/_local/stage`)).text())
  const { AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint } = Object(told?.env)
  const client = new SecretsManagerClient({ endpoint, region: 'eu-central-1' })
  await client.send(
    new PutSecretValueCommand({ SecretId: 'BoxAppSecret', SecretString: JSON.stringify(secret) }),
  )
  await stack.lambdas.reconcile.kill()
}

describe('after a deployment', () => {
  test('the webhooks are made, and what was done is printed', async () => {
    expect(await afterDeploying('local')).toBe(0)
    expect(printed.join('\n')).toContain('folder 100001')
    expect(printed.join('\n')).toContain('The webhooks on Box match what the automations declare.')
    expect(stack.box.webhooks.all.size).toBe(1)
  })

  test('the first one succeeds without Box’s credentials, and says which two commands are left', async () => {
    await storeBoxApp({})
    expect(await afterDeploying('local')).toBe(0)
    expect(printed.join('\n')).toContain(
      [
        '  npx boxhooks secrets set signature-keys --stage local',
        '  npx boxhooks secrets set box-app --stage local',
      ].join('\n'),
    )
    expect(stack.box.webhooks.all.size).toBe(0)
  })

  test('credentials that Box refuses are told as such, and fail it', async () => {
    await storeBoxApp({ clientId: 'other', clientSecret: 'canary', enterpriseId: '1' })
    expect(await afterDeploying('local')).toBe(1)
    expect(printed.join('\n')).toContain("Box refused the app's credentials")
    expect(printed.join('\n')).not.toContain('canary')
  })

  test('a function that can’t be asked leaves the deployment as it is, and says how to go on', async () => {
    expect(await afterDeploying('prod')).toBe(1)
    expect(printed.join('\n')).toContain('There is no function boxhooks-prod-reconcile in eu-central-1.')
    expect(printed.join('\n')).toContain('Next: npx boxhooks webhooks apply --stage prod')
  })
})
