import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ROOT } from '../../infra/bundle.ts'
import { parseObject } from '../../lib/json.ts'
import { type Served, serve } from '../../local/serve.ts'
import { runCommand } from '../support/command.ts'
import { type Deployed, startDenying, startDeployed } from '../support/deployed.ts'
import { type Embedded, startEmbedded } from '../support/embedded.ts'

const cost = (args: readonly string[], env: Record<string, string> = {}) =>
  runCommand(['cost', '--events-per-month', '1000000', ...args], { env: { AWS_REGION: '', ...env } })

/** The rows of a table by their first column. */
const rowsOf = (out: string) =>
  new Map(
    out
      .split('\n')
      .map(line => line.trim().split(/ {2,}/))
      .map(([name = '', ...cells]) => [name, cells]),
  )

describe('boxhooks cost', { timeout: 120_000 }, () => {
  test('tells a month’s costs by component, fixed and for events, and what it rests on', async () => {
    const { code, out, err } = await cost(['--region', 'us-east-1'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const rows = rowsOf(out)
    for (const name of [
      'front door',
      'ingest',
      'queue',
      'automate',
      'ledger',
      'logs',
      'reconcile',
      'secrets',
      'monitoring',
      'total',
    ])
      expect(rows.get(name), name).toHaveLength(3)
    expect(rows.get('front door')).toEqual(['$0', '$1.01', '$1.01'])
    expect(out).toMatch(/^1,000,000 events a month in us-east-1:\n/)
    expect(out).toMatch(/A million events: \$\d+\.\d\d beside what is fixed\./)
    expect(out).toMatch(/those of the trace of 20\d\d-\d\d-\d\d: 1 automation an event/)
    expect(out).toContain('Without the free tier')
    expect(out).toContain('Not seen in the price list of us-east-1 itself: ')
  })

  test('as JSON has each amount with its price and source, and adds up', async () => {
    const { code, out } = await cost(['--region', 'eu-west-1', '--json', '--free-tier'])
    expect(code).toBe(0)
    const told = JSON.parse(out)
    expect(told).toMatchObject({
      events: 1_000_000,
      region: 'eu-west-1',
      workload: { automations: 1 },
      assumed: { batch: 1 },
    })
    expect(told.prices.writeUnitMillion).toMatchObject({ usd: 0.705, from: 'list', date: '2026-09-11' })
    const parts: { fixedUsd: number; eventsUsd: number }[] = told.components
    const sum = parts.reduce((total, { fixedUsd, eventsUsd }) => total + fixedUsd + eventsUsd, 0)
    expect(sum).toBeCloseTo(told.totalUsd, 6)
  })

  test('takes what it is told of the events and the stage into account', async () => {
    const json = async (...args: string[]) =>
      JSON.parse((await cost(['--region', 'us-west-2', '--json', ...args])).out)
    const usual = await json()
    const cheap = await json('--log-sample', '0.05', '--automate-memory', '128', '--batch', '10')
    const busy = await json('--automations', '3', '--body-kb', '16', '--retries', '20', '--duplicates', '5')
    expect(cheap.perMillionUsd).toBeLessThan(usual.perMillionUsd * 0.7)
    expect(busy.perMillionUsd).toBeGreaterThan(usual.perMillionUsd * 1.5)
    expect(cheap.fixedUsd).toBeCloseTo(usual.fixedUsd, 6)
  })

  test('has no price for a region that it does not know, and says what to do', async () => {
    const { code, out, err } = await cost(['--region', 'sa-east-1'])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^There are no prices for sa-east-1 here, and none are guessed; .*--prices FILE/)
    expect(err).not.toContain('    at ')
  })

  test('takes a table of prices of one’s own, and says what is wrong with it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'boxhooks-cost-'))
    const file = join(folder, 'prices.json')
    const own = JSON.parse(await readFile(join(ROOT, 'cli', 'cost', 'prices.json'), 'utf8'))
    own.regions = { 'sa-east-1': own.regions['us-east-1'] }
    await writeFile(file, JSON.stringify(own))
    expect(await cost(['--region', 'sa-east-1', '--prices', file])).toMatchObject({ code: 0, err: '' })
    await writeFile(file, '{}')
    expect((await cost(['--region', 'sa-east-1', '--prices', file])).err).toContain(
      `${file} is no table of prices`,
    )
    const missing = await cost(['--prices', join(folder, 'nowhere.json')])
    expect([missing.code, missing.err]).toEqual([
      1,
      expect.stringContaining("The table of prices can't be read"),
    ])
    await rm(folder, { recursive: true })
  })

  test('refuses what can be no number, and what was not measured', async () => {
    for (const [args, says] of [
      [['--automations', '21'], 'It must be a number from 0 to 20.'],
      [['--body-kb', '65'], 'It must be a number from 0 to 64.'],
      [['--batch', '0'], 'It must be a number from 1 to 10.'],
      [['--log-sample', 'some'], 'It must be a number from 0 to 1.'],
    ] as const) {
      const { code, err } = await cost([...args, '--region', 'us-east-1'])
      expect(code).toBe(1)
      expect(err).toContain(says)
    }
    const { code, err } = await runCommand(['cost'])
    expect(code).toBe(1)
    expect(err).toContain("required option '--events-per-month <number>' not specified")
  })

  test('of no events is what is fixed', async () => {
    const { code, out } = await runCommand(['cost', '--events-per-month', '0', '--region', 'us-east-1'])
    expect(code).toBe(0)
    expect(rowsOf(out).get('total')?.[1]).toBe('$0')
    expect(out).not.toContain('A million events')
  })
})

describe('boxhooks cost --from-stage', { timeout: 120_000 }, () => {
  let aws: Embedded
  let stage: Deployed
  let cloud: Served
  /** Metric → its sum; what is not here has no data. */
  let sums: Record<string, number>
  beforeAll(async () => {
    aws = await startEmbedded()
    stage = await startDeployed(aws)
    cloud = await serve({ fetch: answer, port: 0 })
  })
  afterAll(async () => {
    await cloud.close()
    await stage.close()
    await aws.stop()
  })
  beforeEach(() => {
    sums = {}
  })

  /** CloudWatch and Lambda, as far as they are asked. */
  async function answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    const [, name] = /^\/2015-03-31\/functions\/(.+)\/configuration$/.exec(pathname) ?? []
    if (name) return Response.json({ FunctionName: name, MemorySize: name.endsWith('automate') ? 512 : 256 })
    const { MetricDataQueries = [], NextToken } = parseObject(await request.text()) ?? {}
    const queries = Array.isArray(MetricDataQueries) ? MetricDataQueries : []
    const results = queries.map(({ Id, MetricStat: { Metric, Period, Stat } }) => {
      const dimensions = Metric.Dimensions.map(({ Value }: { Value: string }) => Value).join('/')
      const sum = Stat === 'Sum' && Period === 86_400 ? sums[`${Metric.MetricName} ${dimensions}`] : undefined
      // Half on each of two pages.
      return {
        Id,
        Label: Id,
        StatusCode: 'Complete',
        Timestamps: [0],
        Values: sum === undefined ? [] : [sum / 2],
      }
    })
    const page = { MetricDataResults: results, ...(NextToken ? {} : { NextToken: 'more' }) }
    return new Response(JSON.stringify(page), { headers: { 'content-type': 'application/x-amz-json-1.0' } })
  }

  const prod = (args: readonly string[] = [], named = 'prod') =>
    cost(['--from-stage', named, '--region', 'us-east-1', ...args], {
      ...stage.env,
      AWS_ENDPOINT_URL_CLOUDWATCH: cloud.url,
      AWS_ENDPOINT_URL_LAMBDA: cloud.url,
    })

  test('scales what CloudWatch has counted to the events of a month', async () => {
    const queue = stage.queueUrl.split('/').at(-1)
    sums = {
      [`NumberOfMessagesSent ${queue}`]: 10_000,
      [`NumberOfEmptyReceives ${queue}`]: 648_000,
      'Count abc': 10_100,
      'Invocations boxhooks-prod-ingest': 10_100,
      'Duration boxhooks-prod-ingest': 101_000,
      'Invocations boxhooks-prod-automate': 9000,
      'Duration boxhooks-prod-automate': 1_800_000,
      'Invocations boxhooks-prod-reconcile': 720,
      'Duration boxhooks-prod-reconcile': 720_000,
      [`ConsumedWriteCapacityUnits ${aws.table}`]: 20_000,
      [`ConsumedWriteCapacityUnits ${aws.table}/bySource`]: 10_000,
      [`ConsumedWriteCapacityUnits ${aws.table}/byDay`]: 10_000,
      [`ConsumedReadCapacityUnits ${aws.table}`]: 100,
      'IncomingBytes /aws/lambda/boxhooks-prod-ingest': 2 ** 20,
      'IncomingBytes /aws/lambda/boxhooks-prod-automate': 2 ** 20,
      'IncomingBytes /aws/http-api/boxhooks-prod': 2 ** 20,
    }
    const { code, out, err } = await prod(['--json'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const { usage, basis } = JSON.parse(out)
    expect(usage).toMatchObject({
      httpRequests: { forEvents: 1_010_000 },
      queueRequests: { forEvents: 1_000_000 + 2 * 900_000 },
      writeUnits: { fixed: 0, forEvents: 4_000_000 },
      ingestInvocations: { forEvents: 1_010_000 },
      automateInvocations: { forEvents: 900_000 },
      secrets: { fixed: 2 },
    })
    expect(usage.automateGbSeconds.forEvents).toBeCloseTo(1800 * 0.5 * 100, 6)
    expect(usage.logGb.forEvents).toBeCloseTo(300 / 1024, 6)
    // 30 days of 730 hours.
    expect(usage.idlePolls.fixed).toBeCloseTo((648_000 * 730) / 720, 3)
    expect(basis[0]).toContain('Scaled from 10,000 events of stage prod in the last 30 days')
    expect((await prod()).out).toContain('Scaled from 10,000 events of stage prod')
  })

  test('has nothing to scale where nothing was delivered', async () => {
    const { code, err } = await prod(['--days', '7'])
    expect(code).toBe(1)
    expect(err).toMatch(
      /^Stage prod has accepted no delivery in the last 7 days, so there is nothing to scale\./,
    )
  })

  test('says which stage is not there, and which right is missing', async () => {
    const wrong = await prod([], 'nowhere')
    expect([wrong.code, wrong.err]).toEqual([
      1,
      expect.stringContaining('There is no stack boxhooks-nowhere'),
    ])
    const denied = await prod([], 'denied')
    expect(denied.err).toContain('needs the right cloudformation:DescribeStacks')
    const refusing = await startDenying()
    const without = (service: string) =>
      cost(['--from-stage', 'prod', '--region', 'us-east-1'], {
        ...stage.env,
        AWS_ENDPOINT_URL_CLOUDWATCH: cloud.url,
        AWS_ENDPOINT_URL_LAMBDA: cloud.url,
        [`AWS_ENDPOINT_URL_${service}`]: refusing.url,
      })
    for (const [service, right] of [
      ['CLOUDWATCH', 'cloudwatch:GetMetricData'],
      ['LAMBDA', 'lambda:GetFunctionConfiguration'],
    ] as const) {
      const { code, err } = await without(service)
      expect(code).toBe(1)
      expect(err).toContain(`needs the right ${right}`)
      expect(err).not.toContain('    at ')
    }
    await refusing.close()
  })

  test('says so where the stack is of an older version', async () => {
    const { code, err } = await prod([], 'old')
    expect(code).toBe(1)
    expect(err).toContain('has no output LedgerTable. Deploy the stage again')
  })
})
