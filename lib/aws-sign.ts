import { createHmac, hash } from 'node:crypto'
import { type AwsService, AwsSettingsMissing, awsRegion } from './aws-endpoint.ts'
import type { Environment } from './base/environment.ts'

/** A call in AWS's JSON protocols, which is always a POST. */
export type AwsRequest = {
  readonly service: AwsService
  /** As the header `host` has it. */
  readonly host: string
  readonly path: string
  readonly contentType: string
  /** What is asked for, such as `AmazonSQS.SendMessage`. */
  readonly target: string
  /** Asks SQS for the codes of errors that it had before it spoke JSON, as AWS's SDKs do. */
  readonly queryMode: boolean
  readonly body: string
  readonly at: Date
}

/**
 * Signs by Signature Version 4, with the credentials that the environment has at that moment: Lambda renews them.
 * @returns gives a request's headers, names and values by turns; throws AwsSettingsMissing
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function createAwsSign(env: Environment): (request: AwsRequest) => string[] {
  const keys = new Map<AwsService, SigningKey>()
  let region: string | undefined
  return ({ service, host, path, contentType, target, queryMode, body, at }) => {
    const { id, secret, token } = credentialsIn(env)
    region ??= awsRegion(env)
    const time = at.toISOString().replace(/\.\d+|[:-]/g, '')
    const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`
    let key = keys.get(service)
    if (key?.scope !== scope || key.secret !== secret) {
      key = signingKey(secret, scope)
      keys.set(service, key)
    }
    const bodyHash = hash('sha256', body, 'hex')
    // In the order in which they are signed, by their names.
    const headers = ['content-length', String(Buffer.byteLength(body)), 'content-type', contentType]
    headers.push('host', host, 'x-amz-content-sha256', bodyHash, 'x-amz-date', time)
    if (token) headers.push('x-amz-security-token', token)
    headers.push('x-amz-target', target)
    if (queryMode) headers.push('x-amzn-query-mode', 'true')
    let lines = ''
    let names = ''
    for (let at = 0; at < headers.length; at += 2) {
      lines += `${headers[at]}:${headers[at + 1]}\n`
      names += at === 0 ? headers[at] : `;${headers[at]}`
    }
    const request = `POST\n${canonicalPath(path)}\n\n${lines}\n${names}\n${bodyHash}`
    const signature = key.sign(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash('sha256', request, 'hex')}`)
    headers.push(
      'authorization',
      `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    )
    return headers
  }
}

/** Without empty segments, and encoded once more, as every service but S3 expects it. */
const canonicalPath = (path: string): string =>
  path === '/'
    ? path
    : path
        .replace(/\/{2,}/g, '/')
        .split('/')
        .map(encoded)
        .join('/')

/** @see https://www.rfc-editor.org/rfc/rfc3986#section-2.3 */
const encoded = (segment: string): string =>
  encodeURIComponent(segment).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

type SigningKey = {
  readonly scope: string
  readonly secret: string
  readonly sign: (text: string) => string
}

/** A key signs for one day, one region and one service. */
function signingKey(secret: string, scope: string): SigningKey {
  let bytes: Uint8Array = Buffer.from(`AWS4${secret}`)
  for (const part of scope.split('/')) bytes = createHmac('sha256', bytes).update(part).digest()
  return { scope, secret, sign: text => createHmac('sha256', bytes).update(text).digest('hex') }
}

function credentialsIn(env: Environment) {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = env
  if (id && secret) return { id, secret, token }
  throw new AwsSettingsMissing(
    'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set. Lambda sets them; elsewhere, set them yourself.',
  )
}
