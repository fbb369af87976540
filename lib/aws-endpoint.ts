import type { Environment } from './base/environment.ts'

export type AwsService = 'sqs' | 'secretsmanager' | 'dynamodb'

/** Where a service's own address may be set, as AWS's SDKs have it. */
const VARIABLES: Readonly<Record<AwsService, string>> = {
  sqs: 'AWS_ENDPOINT_URL_SQS',
  secretsmanager: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
  dynamodb: 'AWS_ENDPOINT_URL_DYNAMODB',
}

/** The environment does not say how AWS is to be reached. */
export class AwsSettingsMissing extends Error {
  override readonly name = 'AwsSettingsMissing'
}

/**
 * The region that AWS is called in.
 * @throws AwsSettingsMissing
 */
export function awsRegion(env: Environment): string {
  const region = env.AWS_REGION?.trim()
  if (region && /^[a-z0-9-]+$/.test(region)) return region
  throw new AwsSettingsMissing('AWS_REGION names no region. Lambda sets it; elsewhere, set it yourself.')
}

/**
 * Where a service is called: what AWS_ENDPOINT_URL_… or AWS_ENDPOINT_URL says, or the service's address in the region,
 * with AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT as AWS's SDKs read them.
 * @throws AwsSettingsMissing where an address is set that is no http(s) URL
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 */
export function awsEndpoint(service: AwsService, env: Environment): URL {
  const set = env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === 'true' ? undefined : addressSet(service, env)
  return set ?? new URL(`https://${hostOf(service, env)}`)
}

function addressSet(service: AwsService, env: Environment): URL | undefined {
  for (const name of [VARIABLES[service], 'AWS_ENDPOINT_URL']) {
    const text = env[name]
    if (!text) continue
    const url = URL.parse(text)
    if (url && /^https?:$/.test(url.protocol)) return url
    throw new AwsSettingsMissing(`${name} is no http(s) URL.`)
  }
  return undefined
}

function hostOf(service: AwsService, env: Environment): string {
  const region = awsRegion(env)
  const fips = env.AWS_USE_FIPS_ENDPOINT === 'true'
  const dualStack = env.AWS_USE_DUALSTACK_ENDPOINT === 'true'
  const { suffix, dualStackSuffix } = PARTITIONS.find(({ regions }) => regions.test(region)) ?? COMMERCIAL
  // Secrets Manager's ordinary address is dual stack as it is, where AWS runs both; GovCloud's SQS and DynamoDB are FIPS as they are.
  const unnamed = fips ? /^(cn|us-iso|eu-iso|eusc)/ : /^(us-iso|eu-iso|eusc)/
  const plain = service === 'secretsmanager' && !unnamed.test(region)
  const own = service !== 'secretsmanager' && fips && !dualStack && region.startsWith('us-gov-')
  return `${service}${fips && !own ? '-fips' : ''}.${region}.${dualStack && !plain ? dualStackSuffix : suffix}`
}

/** @see https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html */
const COMMERCIAL = { suffix: 'amazonaws.com', dualStackSuffix: 'api.aws' }
const PARTITIONS = [
  { regions: /^cn-/, suffix: 'amazonaws.com.cn', dualStackSuffix: 'api.amazonwebservices.com.cn' },
  { regions: /^eusc-/, suffix: 'amazonaws.eu', dualStackSuffix: 'api.amazonwebservices.eu' },
  { regions: /^us-iso-/, suffix: 'c2s.ic.gov', dualStackSuffix: 'api.aws.ic.gov' },
  { regions: /^us-isob-/, suffix: 'sc2s.sgov.gov', dualStackSuffix: 'api.aws.scloud' },
  { regions: /^eu-isoe-/, suffix: 'cloud.adc-e.uk', dualStackSuffix: 'api.cloud-aws.adc-e.uk' },
  { regions: /^us-isof-/, suffix: 'csp.hci.ic.gov', dualStackSuffix: 'api.aws.hci.ic.gov' },
] as const
