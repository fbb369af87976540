import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../../../infra/bundle.ts'
import { isObject } from '../../../lib/json.ts'
import { serve } from '../../../local/serve.ts'

type Package = Readonly<Record<string, unknown>>

const read = (file: string): Record<string, unknown> => {
  const json: unknown = JSON.parse(readFileSync(join(ROOT, file), 'utf8'))
  if (!isObject(json)) throw new TypeError(`${file} is no JSON object.`)
  return json
}

const lockfile = read('package-lock.json')
/** Every installed package, by its place in node_modules. */
const packages: (readonly [place: string, one: Package])[] = Object.entries(
  isObject(lockfile.packages) ? lockfile.packages : {},
).flatMap(([place, one]) => (place !== '' && isObject(one) ? [[place, one] as const] : []))

const nameOf = (place: string): string =>
  place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)

describe('the lockfile', () => {
  test('pins every package to a version and a hash of what is downloaded', () => {
    expect(packages.length).toBeGreaterThan(50)
    for (const [place, { version, integrity }] of packages) {
      expect(version, place).toMatch(/^\d+\.\d+\.\d+/)
      expect(integrity, place).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/)
    }
  })

  test('takes packages from the registry alone: no other host, no git, no file, no alias under another name', () => {
    for (const [place, { resolved, link, name }] of packages) {
      if (resolved !== undefined) expect(resolved, place).toMatch(/^https:\/\/registry\.npmjs\.org\//)
      expect(link, place).toBeUndefined()
      if (name !== undefined) expect(name, place).toBe(nameOf(place))
    }
  })

  test('has exactly the install scripts that package.json lists', () => {
    const { allowScripts } = read('package.json')
    const withScripts = packages
      .filter(([, one]) => one.hasInstallScript === true)
      .map(([place]) => nameOf(place))
    expect([...new Set(withScripts)].sort()).toEqual(
      Object.keys(isObject(allowScripts) ? allowScripts : {}).sort(),
    )
  })
})

describe('what is deployed', () => {
  const deployed = packages.filter(([, one]) => one.dev !== true && one.devOptional !== true)

  test('runs no install script', () => {
    expect(deployed.filter(([, one]) => one.hasInstallScript === true)).toEqual([])
  })

  test('has licences that ask for no more than a notice', () => {
    const permissive = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD']
    expect(deployed.length).toBeGreaterThan(10)
    for (const [place, { license }] of deployed) expect(permissive, place).toContain(license)
  })

  test('is declared to the exact version', () => {
    const { dependencies, devDependencies } = read('package.json')
    for (const declared of [dependencies, devDependencies])
      for (const [name, version] of Object.entries(isObject(declared) ? declared : {}))
        expect(version, name).toMatch(/^\d+\.\d+\.\d+$/)
  })
})

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
