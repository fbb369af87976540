import { createHmac, hash } from 'node:crypto'
import { type AwsService, AwsSettingsMissing, awsRegion } from './aws-endpoint.ts'
import type { Environment } from './config.ts'
import { hmacKey, hmacOf } from './hmac.ts'

export type AwsSign = (
  service: AwsService,
  path: string,
  /** Names in lower case, values without white space at their ends or twice in a row. */
  headers: Readonly<Record<string, string>>,
  body: string,
  at: Date,
) => string[]

/**
 * Signs POST requests by Signature Version 4, with the credentials that the environment has at that moment: Lambda renews them.
 * @returns gives a request's headers, names and values by turns, with those that sign it; throws AwsSettingsMissing
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
    const sent: string[] = []
    const signed: string[] = []
    let lines = ''
    for (const name of Object.keys(all).sort()) {
      const value = all[name] ?? ''
      sent.push(name, value)
      if (name === UNSIGNED) continue
      signed.push(name)
      lines += `${name}:${value}\n`
    }
    const request = `POST\n${canonicalPath(path)}\n\n${lines}\n${signed.join(';')}\n${bodyHash}`
    const signature = key.sign(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash('sha256', request, 'hex')}`)
    const by = `Credential=${id}/${scope}, SignedHeaders=${signed.join(';')}, Signature=${signature}`
    sent.push('authorization', `AWS4-HMAC-SHA256 ${by}`)
    return sent
  }
}

/** X-Ray may change it on the way. */
const UNSIGNED = 'x-amzn-trace-id'

/** The path's segments are encoded once more, as every service but S3 expects it. */
const canonicalPath = (path: string): string =>
  path === '/' ? path : path.split('/').map(encodeURIComponent).join('/')

type SigningKey = {
  readonly scope: string
  readonly secret: string
  readonly sign: (text: string) => string
}

/** A key signs for one day, one region and one service. */
function signingKey(secret: string, scope: string): SigningKey {
  let bytes: Uint8Array = Buffer.from(`AWS4${secret}`)
  for (const part of scope.split('/')) bytes = createHmac('sha256', bytes).update(part).digest()
  const key = hmacKey(bytes)
  return { scope, secret, sign: text => hmacOf(NOTHING, text, 'hex')?.(key) ?? '' }
}

const NOTHING = new Uint8Array()

function credentialsIn(env: Environment) {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = env
  if (id && secret) return { id, secret, token }
  throw new AwsSettingsMissing(
    'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set. Lambda sets them; elsewhere, set them yourself.',
  )
}
