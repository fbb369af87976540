import { spawn, spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../../../infra/build/bundle.ts'
import { serve } from '../../../local/serve.ts'

const noBash = spawnSync('bash', ['-c', 'exit 0']).status !== 0

describe.skipIf(noBash)('what CI asks the registry', () => {
  /** Runs CI's audit against a registry that answers in its own way. */
  async function audit(
    answer: (request: Request) => Response,
  ): Promise<{ code: number | null; told: string }> {
    const registry = await serve({ fetch: answer, port: 0 })
    const env = { ...process.env, npm_config_registry: registry.url, npm_config_fetch_retries: '0' }
    const child = spawn('bash', ['.ci/audit'], { cwd: ROOT, env })
    let told = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        told += text
      })
    const code = await new Promise<number | null>(resolve => child.once('close', resolve))
    await registry.close()
    return { code, told }
  }
  const advisory = {
    id: 1,
    url: 'https://advisories.example/1',
    title: 'it is broken',
    severity: 'low',
    vulnerable_versions: '>=0',
    cwe: [],
    cvss: { score: 1, vectorString: null },
  }

  test('a known vulnerability in what is deployed fails the build', async () => {
    const vulnerable = ({ method }: Request) =>
      method === 'POST' ? Response.json({ 'box-node-sdk': [advisory] }) : Response.json({}, { status: 404 })
    expect(await audit(vulnerable)).toMatchObject({ code: 1, told: expect.stringContaining('it is broken') })
  })

  test('none passes, and a registry that answers no audits is told of as skipped', async () => {
    expect(await audit(() => Response.json({}))).toMatchObject({
      code: 0,
      told: expect.stringContaining('no vulnerability'),
    })
    const silent = await audit(() => new Response('', { status: 405 }))
    expect(silent).toMatchObject({ code: 0, told: expect.stringContaining('CI: SKIPPED') })
  })
})
