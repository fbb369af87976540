import { beforeAll, describe, expect, test } from 'vitest'
import type { CompiledTemplate } from '../../../infra/build/template.ts'
import { packagedLocal, packagedWithEverything, packageSamples } from '../../support/packaged.ts'

/** A stage as it is by default, and one that asks for all that is optional. */
let plain: CompiledTemplate
let full: CompiledTemplate
beforeAll(async () => {
  plain = (await packagedLocal()).template
  full = (await packagedWithEverything()).template
})

describe('packaging', () => {
  test('stops where a stage lacks settings, naming each with what it is, who needs it and where to write it', async () => {
    const refused = await packageSamples('nowhere', [], ['ALLOWED_DOMAINS=a.example']).catch(error => error)
    const { manifest } = await packagedLocal()
    const needing = (setting: string) =>
      manifest.filter(one => Object.hasOwn(one.settings, setting)).map(({ name }) => name)
    expect(needing('ARCHIVE_FOLDER_ID')).toContain('archive-uploads')
    expect(refused.message).toBe(
      [
        'Stage nowhere lacks settings that automations need:',
        `  REVIEW_FOLDER_ID: The folder that is watched. Needed by ${needing('REVIEW_FOLDER_ID').join(', ')}.`,
        `  ARCHIVE_FOLDER_ID: The folder that the copies go to; it may lie in the watched one. Needed by ${needing('ARCHIVE_FOLDER_ID').join(', ')}.`,
        'Write them into serverless.yml under params.nowhere, or pass --param="NAME=value".',
      ].join('\n'),
    )
  })

  test('adds what is optional only when asked, and takes every parameter by --param as well', async () => {
    const { Resources } = full
    for (const id of ['AlarmSubscription', 'BoxSilentAlarm', 'Domain', 'DomainMapping']) {
      expect(plain.Resources).not.toHaveProperty(id)
      expect(Resources).toHaveProperty(id)
    }
    expect(Resources).toMatchObject({
      AlarmSubscription: { Properties: { Protocol: 'email', Endpoint: 'ops@a.example' } },
      AutomateEventSourceMappingSQSQueue: { Properties: { ScalingConfig: { MaximumConcurrency: 2 } } },
      BoxSilentAlarm: {
        Properties: { EvaluationPeriods: 48, Period: 3600, TreatMissingData: 'breaching' },
      },
      IngestLogGroup: { Properties: { RetentionInDays: 7 } },
      AutomateLambdaFunction: {
        Properties: {
          MemorySize: 1024,
          Environment: { Variables: { REVIEW_FOLDER_ID: '100001', ALLOWED_DOMAINS: 'a.example,b.example' } },
        },
      },
    })
  })

  test('with a domain the webhooks go there', async () => {
    expect(full.Resources).toMatchObject({
      ReconcileLambdaFunction: {
        Properties: { Environment: { Variables: { WEBHOOK_ADDRESS: 'https://hooks.example/box/webhook' } } },
      },
    })
  })

  test('takes V1 callbacks at routes with a throttle and a secret of their own, only when asked', async () => {
    const { Resources, Outputs } = full
    for (const id of ['V1Secret', 'V1Rights', 'V1Route', 'V1TokenRoute']) {
      expect(plain.Resources).not.toHaveProperty(id)
      expect(Resources).toHaveProperty(id)
    }
    const throttle = { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 }
    expect(Resources).toMatchObject({
      HttpApiStage: {
        DependsOn: expect.arrayContaining(['V1Route', 'V1TokenRoute']),
        Properties: {
          DefaultRouteSettings: { ThrottlingRateLimit: 400, ThrottlingBurstLimit: 400 },
          RouteSettings: { 'ANY /box/v1': throttle, 'ANY /box/v1/{token}': throttle },
        },
      },
      IngestLambdaFunction: {
        Properties: {
          Environment: {
            Variables: {
              SIGNATURE_AGE_MAX_SECONDS: '9000',
              V1_SECRET_ID: { Ref: 'V1Secret' },
              V1_PARAMETERS: 'from_user_id=by, item_name=file',
            },
          },
        },
      },
      V1Rights: {
        Properties: {
          Roles: [{ Ref: 'IngestRole' }],
          PolicyDocument: {
            Statement: [{ Action: 'secretsmanager:GetSecretValue', Resource: { Ref: 'V1Secret' } }],
          },
        },
      },
    })
    expect(Outputs).toHaveProperty('V1WebhookUrl')
    expect(Outputs).toHaveProperty('V1SecretArn')
  })
})
