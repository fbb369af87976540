const { refusal } = require('./refusal.cjs')

/** The services that the functions call, by the variables that name their addresses for AWS's SDKs and for lib/aws. */
const SERVICES = {
  AWS_ENDPOINT_URL_SQS: 'sqs',
  AWS_ENDPOINT_URL_DYNAMODB: 'dynamodb',
  AWS_ENDPOINT_URL_SECRETS_MANAGER: 'secretsmanager',
}

/**
 * What follows a service's name in its address. The ordinary address of Secrets Manager answers over IPv6 as well.
 * @see https://docs.aws.amazon.com/general/latest/gr/rande.html
 */
const REGIONAL = '.${AWS::Region}.${AWS::URLSuffix}'
const SUFFIXES = {
  regional: () => REGIONAL,
  fips: () => `-fips${REGIONAL}`,
  dualstack: service => (service === 'secretsmanager' ? REGIONAL : '.${AWS::Region}.api.aws'),
}

/** The variables for AWS's addresses where the usual ones do not serve: in China and in isolated regions, or as `custom.endpoints` in serverless.yml says. */
exports.endpoints = async resolveVariable => {
  const region = String(await optional(resolveVariable, 'self:provider.region'))
  const needed = /^(cn|us-iso|eu-iso|eusc)/.test(region) ? 'regional' : ''
  const kind = (await optional(resolveVariable, 'self:custom.endpoints')) || needed
  if (!kind) return {}
  if (!Object.hasOwn(SUFFIXES, kind)) throw refusal('custom.endpoints must be fips or dualstack.')
  return Object.fromEntries(
    Object.entries(SERVICES).map(([name, service]) => [
      name,
      { 'Fn::Sub': `https://${service}${SUFFIXES[kind](service)}` },
    ]),
  )
}

async function optional(resolveVariable, name) {
  try {
    return (await resolveVariable(name)) ?? ''
  } catch (error) {
    if (error.code === 'MISSING_VARIABLE_DEPENDENCY') throw error
    return ''
  }
}
