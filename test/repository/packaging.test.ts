import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { ROOT } from '../../infra/build/bundle.ts'
import { exclusively } from '../../infra/build/exclusively.ts'
import { stageOf } from '../../infra/build/package.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxhooks-packaging-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('work that excludes itself', () => {
  test('is done one after the other, also when one of it fails', async () => {
    const lock = join(folder, 'turns', 'lock')
    const steps: string[] = []
    const work = (name: string) => async () => {
      steps.push(`${name} begins`)
      await new Promise(resolve => setImmediate(resolve))
      steps.push(`${name} ends`)
      if (name === 'first') throw new Error('first failed')
      return name
    }
    const both = await Promise.allSettled([
      exclusively(lock, work('first')),
      exclusively(lock, work('second')),
    ])
    expect(both).toMatchObject([{ reason: { message: 'first failed' } }, { value: 'second' }])
    // Whose turn is first, the file system decides.
    const turns = [steps.slice(0, 2), steps.slice(2)].sort()
    expect(turns).toEqual([
      ['first begins', 'first ends'],
      ['second begins', 'second ends'],
    ])
    expect(await readdir(join(folder, 'turns'))).toEqual([])
  })

  test('takes over from a process that is gone', async () => {
    const lock = join(folder, 'left-behind')
    const gone = execFileSync(process.execPath, ['-p', 'process.pid']).toString().trim()
    await writeFile(lock, gone)
    expect(await exclusively(lock, async () => 'done')).toBe('done')
  })

  test('names the process that it waited for too long', async () => {
    const lock = join(folder, 'held')
    await writeFile(lock, String(process.pid))
    await expect(exclusively(lock, async () => 'done', 0)).rejects.toThrow(`Process ${process.pid} packages`)
  })
})

describe('the environment of automate', () => {
  afterEach(() => vi.restoreAllMocks())

  /** Runs what osls runs, in a project with a manifest of the test's own. */
  async function environmentFor(settings: Record<string, string>, params: Record<string, string>) {
    const service = await mkdtemp(join(folder, 'service-'))
    await mkdir(join(service, 'dist'))
    await writeFile(join(service, 'dist', 'automations.json'), JSON.stringify([{ name: 'mine', settings }]))
    await writeFile(join(service, 'dist', 'version'), '0.1.0\n')
    const { automate }: { automate: (variables: object) => Promise<unknown> } = createRequire(
      import.meta.url,
    )(join(ROOT, 'infra', 'serverless', 'environment.cjs'))
    vi.spyOn(process, 'cwd').mockReturnValue(service)
    const values: Record<string, string> = {
      'self:service': 'boxhooks',
      'sls:stage': 'dev',
      'param:automateEvents': '5',
      'param:logDetails': 'false',
      'param:logSampleRate': '1',
      'param:metrics': 'all',
      ...params,
    }
    return automate({
      async resolveVariable(address: string) {
        if (address in values) return values[address]
        throw new Error(`The param does not exist: ${address}`)
      },
    })
  }

  test('holds the settings as the stage gives them, without spaces around', async () => {
    const settings = { TEAM_FOLDER_ID: 'The folder of the team.' }
    expect(await environmentFor(settings, { 'param:TEAM_FOLDER_ID': ' 42 ' })).toMatchObject({
      TEAM_FOLDER_ID: '42',
      AUTOMATE_CONCURRENCY: '5',
    })
  })

  test('takes a value of nothing but spaces for none', async () => {
    await expect(environmentFor({ TEAM: 'The team.' }, { 'param:TEAM': '  ' })).rejects.toThrow(
      /^Stage dev lacks settings that automations need:\n {2}TEAM: The team. Needed by mine.\n/,
    )
  })

  test.each(['QUEUE_URL', 'LOG_LEVEL', 'AWS_REGION', 'LAMBDA_TASK_ROOT', 'NODE_OPTIONS', 'PATH'])(
    'refuses a setting named %s, which something else reads',
    async name => {
      await expect(environmentFor({ [name]: 'x' }, { [`param:${name}`]: 'x' })).rejects.toThrow(
        `The setting ${name} of mine has a name that boxhooks, AWS or Node itself reads. Choose another.`,
      )
    },
  )
})

describe('the environment of ingest', () => {
  async function ingestEnvironment(minutes: unknown): Promise<unknown> {
    const service = await mkdtemp(join(folder, 'service-'))
    await mkdir(join(service, 'dist'))
    await writeFile(join(service, 'dist', 'version'), '0.1.0\n')
    vi.spyOn(process, 'cwd').mockReturnValue(service)
    const environment: (variables: object) => Promise<unknown> = createRequire(import.meta.url)(
      join(ROOT, 'infra', 'serverless', 'ingest-environment.cjs'),
    )
    const values: Readonly<Record<string, unknown>> = {
      'self:service': 'boxhooks',
      'sls:stage': 'dev',
      'param:deliveryAgeMaxMinutes': minutes,
      'param:logSampleRate': 1,
      'param:metrics': 'all',
      'param:v1Webhooks': false,
    }
    return environment({ resolveVariable: async (address: string) => values[address] })
  }

  test.each([
    [10, '600'],
    ['150', '9000'],
    [1, '60'],
    [180, '10800'],
  ])('has the age of %s minutes as %s seconds', async (minutes, seconds) => {
    expect(await ingestEnvironment(minutes)).toMatchObject({ SIGNATURE_AGE_MAX_SECONDS: seconds })
  })

  test.each([0, 181, 2.5, -10, 'ten', ''])(
    'refuses an age of %j minutes with the param’s name',
    async minutes => {
      await expect(ingestEnvironment(minutes)).rejects.toThrow(
        'params.deliveryAgeMaxMinutes must be a whole number of minutes from 1 to 180.',
      )
    },
  )
})

describe('the stage of a command', () => {
  test('is dev where none is named, and is taken out of what osls gets', () => {
    expect(stageOf(['--param', 'a=b'])).toEqual({ stage: 'dev', rest: ['--param', 'a=b'] })
    expect(stageOf(['--stage', 'prod', '--verbose'])).toEqual({ stage: 'prod', rest: ['--verbose'] })
    expect(stageOf(['--verbose', '--stage=prod'])).toEqual({ stage: 'prod', rest: ['--verbose'] })
    expect(stageOf(['-s', 'prod'])).toEqual({ stage: 'prod', rest: [] })
  })

  test('must be a name that AWS resources can carry', () => {
    for (const args of [['--stage', '../x'], ['--stage', '-3'], ['--stage'], ['--stage=']])
      expect(() => stageOf(args)).toThrow(/can't be a stage/)
  })
})

test('a stage has at most 14 params by default, each with a reason', async () => {
  const text = await readFile(join(ROOT, 'infra', 'serverless', 'params.yml'), 'utf8')
  const lines = text.split('\n')
  const params = lines.flatMap((line, index) => (/^\w+:/.test(line) ? [index] : []))
  expect(params.length).toBeLessThanOrEqual(14)
  // Params that belong together share a comment.
  const isExplained = (index: number): boolean => {
    const above = lines[index - 1] ?? ''
    return above.startsWith('#') || (/^\w+:/.test(above) && isExplained(index - 1))
  }
  expect(params.filter(index => !isExplained(index)).map(index => lines[index])).toEqual([])
})

describe('the addresses of AWS that the functions get', () => {
  const {
    endpoints,
  }: { endpoints: (resolve: (name: string) => unknown) => Promise<Record<string, unknown>> } = createRequire(
    import.meta.url,
  )(join(ROOT, 'infra', 'serverless', 'endpoints.cjs'))
  const at = (region: string, kind?: string) =>
    endpoints(name => (name === 'self:provider.region' ? region : kind))

  test('are none where the usual ones serve', async () => {
    for (const region of ['eu-central-1', 'us-gov-west-1']) expect(await at(region)).toEqual({})
  })

  test('have the suffix of the partition in China', async () => {
    expect(await at('cn-north-1')).toMatchObject({
      AWS_ENDPOINT_URL_SQS: { 'Fn::Sub': 'https://sqs.${AWS::Region}.${AWS::URLSuffix}' },
      AWS_ENDPOINT_URL_DYNAMODB: { 'Fn::Sub': 'https://dynamodb.${AWS::Region}.${AWS::URLSuffix}' },
    })
  })

  test('are those of FIPS or dual stack where serverless.yml asks for them', async () => {
    expect(await at('us-east-1', 'fips')).toMatchObject({
      AWS_ENDPOINT_URL_SECRETS_MANAGER: {
        'Fn::Sub': 'https://secretsmanager-fips.${AWS::Region}.${AWS::URLSuffix}',
      },
    })
    expect(await at('us-east-1', 'dualstack')).toMatchObject({
      AWS_ENDPOINT_URL_SQS: { 'Fn::Sub': 'https://sqs.${AWS::Region}.api.aws' },
    })
    await expect(at('us-east-1', 'ipv6')).rejects.toThrow('custom.endpoints must be fips or dualstack.')
  })
})
