import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { makeWebhooks } from '../../cli/deploy.ts'
import type { Stack, StackOptions } from '../../local/stack.ts'
import { startTestStack } from '../support/stack.ts'

let stack: Stack | undefined
let printed: string[]
beforeEach(() => {
  printed = []
  for (const method of ['log', 'error'] as const)
    vi.spyOn(console, method).mockImplementation(text => void printed.push(String(text)))
})
afterEach(async () => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  await stack?.stop()
  stack = undefined
})

/** What follows a deployment, with the local stack in AWS’s place. */
async function afterDeploying(stage: string, options: StackOptions = {}): Promise<number> {
  stack = await startTestStack(options)
  vi.stubEnv('AWS_ENDPOINT_URL_LAMBDA', stack.url)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'x')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'x')
  return makeWebhooks({ stage, region: 'eu-central-1' })
}

describe('after a deployment', { timeout: 60_000 }, () => {
  test('the webhooks are made, and what was done is printed', async () => {
    expect(await afterDeploying('local')).toBe(0)
    expect(printed.join('\n')).toContain('folder 100001')
    expect(printed.join('\n')).toContain('The webhooks on Box are those that the automations declare.')
  })

  test('the first one succeeds without Box’s credentials, and says which two commands are left', async () => {
    expect(await afterDeploying('local', { boxApp: '{}' })).toBe(0)
    expect(printed.join('\n')).toContain(
      [
        '  npx boxhooks secrets set signature-keys --stage local',
        '  npx boxhooks secrets set box-app --stage local',
      ].join('\n'),
    )
    expect(stack?.box.webhooks.all.size).toBe(0)
  })

  test('credentials that Box refuses are told as such, and fail it', async () => {
    const boxApp = JSON.stringify({ clientId: 'other', clientSecret: 'canary', enterpriseId: '1' })
    expect(await afterDeploying('local', { boxApp })).toBe(1)
    expect(printed.join('\n')).toContain("Box refused the app's credentials")
    expect(printed.join('\n')).not.toContain('canary')
  })

  test('a function that can’t be asked leaves the deployment as it is, and says how to go on', async () => {
    expect(await afterDeploying('prod')).toBe(1)
    expect(printed.join('\n')).toContain('There is no function boxhooks-prod-reconcile in eu-central-1.')
    expect(printed.join('\n')).toContain('Then: npx boxhooks webhooks apply --stage prod')
  })
})
