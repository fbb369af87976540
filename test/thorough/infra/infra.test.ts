import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Packaged } from '../../../infra/build/package.ts'
import { packagedLocal, packagedWithEverything, packageSamples } from '../../support/packaged.ts'

/** A stage that logs a sample. */
let thrifty: Packaged
beforeAll(async () => {
  thrifty = await packageSamples('thrifty', ['logSampleRate=0.1'])
})

const refusal = (...params: string[]) => packageSamples('nowhere', params)

describe('packaging', () => {
  test('stops at a configuration that AWS would refuse, and at a domain without its certificate', async () => {
    await expect(refusal('automateConcurrency=1')).rejects.toThrow(/maximumConcurrency': must be >= 2$/)
    await expect(refusal('domainName=hooks.example')).rejects.toThrow(
      /^params.domainName needs params.certificateArn as well.*$/,
    )
    await expect(refusal('silenceHours=500')).rejects.toThrow(/^params.silenceHours must be a whole number/)
  })

  test('stops at a param for metrics or logs that is neither', async () => {
    await expect(refusal('metrics=none')).rejects.toThrow(/^params.metrics must be all, or alarms/)
    await expect(refusal('logDetails=yes')).rejects.toThrow(/^params.logDetails must be true or false/)
  })

  test('stops at V1 callbacks that are neither on, off nor named', async () => {
    await expect(refusal('v1Webhooks=maybe')).rejects.toThrow(/^params.v1Webhooks must be true, false, or/)
  })

  test('hides a message for six times automate’s timeout', async () => {
    const { Resources } = (await packagedLocal()).template
    const timeout = Number(Resources.AutomateLambdaFunction?.Properties?.Timeout)
    expect(Resources.Queue?.Properties?.VisibilityTimeout).toBe(6 * timeout)
    expect(Resources.AutomateEventSourceMappingSQSQueue?.Properties).not.toHaveProperty(
      'MaximumBatchingWindowInSeconds',
    )
  })

  test('logs a sample only where asked', async () => {
    const { Resources } = thrifty.template
    for (const id of ['IngestLambdaFunction', 'AutomateLambdaFunction'])
      expect(Resources[id]).toMatchObject({
        Properties: { Environment: { Variables: { LOG_SAMPLE_RATE: '0.1' } } },
      })
    await expect(refusal('logSampleRate=2')).rejects.toThrow(/^params.logSampleRate must be a number from 0/)
  })
})

const lint = spawnSync('cfn-lint', ['--version'])
if (lint.error) console.warn('cfn-lint is not here: the template is not linted.')

test.skipIf(lint.error)('cfn-lint finds nothing but what osls writes itself (W3005)', async () => {
  const stages = [await packagedLocal(), await packagedWithEverything(), thrifty]
  const files = stages.map(({ folder }) => join(folder, 'cloudformation-template-update-stack.json'))
  const { stdout, stderr } = spawnSync('cfn-lint', ['--format', 'parseable', ...files], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(stdout).toContain(':W3005:')
  expect(stdout.split('\n').filter(line => line && !line.includes(':W3005:'))).toEqual([])
})
