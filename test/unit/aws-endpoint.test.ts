import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SQSClient } from '@aws-sdk/client-sqs'
import { describe, expect, test } from 'vitest'
import { type AwsService, awsEndpoint } from '../../lib/aws-endpoint.ts'

const REGIONS = [
  'eu-central-1',
  'us-east-1',
  'ap-southeast-7',
  'mx-central-1',
  'us-gov-west-1',
  'us-gov-east-1',
  'cn-north-1',
  'cn-northwest-1',
  'eusc-de-east-1',
  'us-iso-east-1',
  'us-isob-east-1',
  'eu-isoe-west-1',
  'us-isof-south-1',
]

const CLIENTS = { sqs: SQSClient, secretsmanager: SecretsManagerClient, dynamodb: DynamoDBClient }
const VARIABLES = {
  sqs: 'AWS_ENDPOINT_URL_SQS',
  secretsmanager: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
  dynamodb: 'AWS_ENDPOINT_URL_DYNAMODB',
}

/** What AWS's SDK finds, which knows every partition; undefined where there is no such address. */
function sdkEndpoint(service: AwsService, region: string, fips: boolean, dualStack: boolean) {
  const settings = { region, useFipsEndpoint: fips, useDualstackEndpoint: dualStack }
  const { config } = new CLIENTS[service](settings)
  try {
    return config.endpointProvider({ Region: region, UseFIPS: fips, UseDualStack: dualStack }).url.href
  } catch {
    return undefined
  }
}

describe.each(['sqs', 'secretsmanager', 'dynamodb'] as const)(
  '%s is called where AWS’s SDK calls it',
  service => {
    test.each(REGIONS)('in %s, also with FIPS and dual stack', AWS_REGION => {
      for (const fips of [false, true])
        for (const dualStack of [false, true]) {
          const env = {
            AWS_REGION,
            AWS_USE_FIPS_ENDPOINT: String(fips),
            AWS_USE_DUALSTACK_ENDPOINT: String(dualStack),
          }
          const expected = sdkEndpoint(service, AWS_REGION, fips, dualStack)
          if (expected) expect(awsEndpoint(service, env).href, JSON.stringify(env)).toBe(expected)
        }
    })

    test('an address that is set comes first, the service’s own before the one for all', () => {
      const own = VARIABLES[service]
      const env = { AWS_REGION: 'eu-central-1', AWS_ENDPOINT_URL: 'http://all:1', [own]: 'http://own:2' }
      expect(awsEndpoint(service, env).origin).toBe('http://own:2')
      expect(awsEndpoint(service, { ...env, [own]: '' }).origin).toBe('http://all:1')
      const ignored = awsEndpoint(service, { ...env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' })
      expect(ignored.host).toBe(`${service}.eu-central-1.amazonaws.com`)
      for (const wrong of ['localhost:4566', 'ftp://x', 'x'])
        expect(() => awsEndpoint(service, { ...env, [own]: wrong })).toThrow(`${own} is no http(s) URL`)
    })

    test.each(['', ' ', 'eu central', 'evil.example/'])('region %j is refused', AWS_REGION => {
      expect(() => awsEndpoint(service, { AWS_REGION })).toThrow(/AWS_REGION/)
    })
  },
)
