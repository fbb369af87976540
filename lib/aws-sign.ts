import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'
import { type AwsService, AwsSettingsMissing, awsRegion } from './aws-endpoint.ts'
import type { Environment } from './config.ts'

export type AwsSign = (
  service: AwsService,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  at: Date,
) => Record<string, string>

/**
 * Signs POST requests by Signature Version 4, with the credentials that the environment has at that moment: Lambda renews them.
 * @param headers must have lower-case names
 * @returns gives a request's headers with those that sign it; throws AwsSettingsMissing
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function createAwsSign(env: Environment): AwsSign {
  const keys = new Map<AwsService, SigningKey>()
  return (service, path, headers, body, at) => {
    const { id, secret, token } = credentialsIn(env)
    const time = at.toISOString().replace(/\.\d+|[:-]/g, '')
    const scope = `${time.slice(0, 8)}/${awsRegion(env)}/${service}/aws4_request`
    let key = keys.get(service)
    if (key?.scope !== scope || key.secret !== secret) {
      key = signingKey(secret, scope)
      keys.set(service, key)
    }
    const bodyHash = hash('sha256', body, 'hex')
    const all: Record<string, string> = { ...headers, 'x-amz-content-sha256': bodyHash, 'x-amz-date': time }
    if (token) all['x-amz-security-token'] = token
    const signed = Object.keys(all)
      .filter(name => name !== UNSIGNED)
      .sort()
    const lines = signed.map(name => `${name}:${all[name]?.trim().replace(/\s+/g, ' ')}\n`).join('')
    const names = signed.join(';')
    const request = `POST\n${canonicalPath(path)}\n\n${lines}\n${names}\n${bodyHash}`
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash('sha256', request, 'hex')}`
    const signature = createHmac('sha256', key.key).update(text).digest('hex')
    all.authorization = `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${names}, Signature=${signature}`
    return all
  }
}

/** X-Ray may change it on the way. */
const UNSIGNED = 'x-amzn-trace-id'

/** The path's segments are encoded once more, as every service but S3 expects it. */
const canonicalPath = (path: string): string =>
  path === '/' ? path : path.split('/').map(encodeURIComponent).join('/')

type SigningKey = { readonly scope: string; readonly secret: string; readonly key: KeyObject }

/** A key signs for one day, one region and one service. */
function signingKey(secret: string, scope: string): SigningKey {
  let key = createSecretKey(`AWS4${secret}`, 'utf8')
  for (const part of scope.split('/')) key = createSecretKey(createHmac('sha256', key).update(part).digest())
  return { scope, secret, key }
}

function credentialsIn(env: Environment) {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = env
  if (id && secret) return { id, secret, token }
  throw new AwsSettingsMissing(
    'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set. Lambda sets them; elsewhere, set them yourself.',
  )
}
