import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Packaged } from '../../../infra/build/package.ts'
import { packagedLocal, packagedWithEverything, packageSamples } from '../../support/packaged.ts'

/** A stage that logs a sample and gathers events into batches. */
let thrifty: Packaged
beforeAll(async () => {
  thrifty = await packageSamples('thrifty', ['logSampleRate=0.1', 'automateWindowSeconds=5'])
})

const refusal = (...params: string[]) => packageSamples('nowhere', params)

describe('packaging', () => {
  test('stops at a configuration that AWS would refuse, and at a domain without its certificate', async () => {
    await expect(refusal('automateConcurrency=1')).rejects.toThrow(/maximumConcurrency': must be >= 2$/)
    await expect(refusal('domainName=hooks.example')).rejects.toThrow(
      /^params.domainName needs params.certificateArn as well.*$/,
    )
    await expect(refusal('automateWindowSeconds=301')).rejects.toThrow(
      /^params.automateWindowSeconds must be a whole number/,
    )
    await expect(refusal('silenceHours=500')).rejects.toThrow(/^params.silenceHours must be a whole number/)
  })

  test('stops at a param for metrics or logs that is neither', async () => {
    await expect(refusal('metrics=none')).rejects.toThrow(/^params.metrics must be all, or alarms/)
    await expect(refusal('logDetails=yes')).rejects.toThrow(/^params.logDetails must be true or false/)
  })

  test('hides a message for six times automate’s timeout, and for as long as it may wait for a batch', async () => {
    const { VisibilityTimeout } = thrifty.template.Resources.Queue?.Properties ?? {}
    expect(VisibilityTimeout).toBe(365)
    expect((await packagedLocal()).template.Resources.Queue?.Properties?.VisibilityTimeout).toBe(360)
  })

  test('logs a sample only where asked, and waits for others only where asked', async () => {
    const { Resources } = thrifty.template
    for (const id of ['IngestLambdaFunction', 'AutomateLambdaFunction'])
      expect(Resources[id]).toMatchObject({
        Properties: { Environment: { Variables: { LOG_SAMPLE_RATE: '0.1' } } },
      })
    expect(Resources.AutomateEventSourceMappingSQSQueue).toMatchObject({
      Properties: { MaximumBatchingWindowInSeconds: 5 },
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
