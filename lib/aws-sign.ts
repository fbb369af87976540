import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { type AwsService, AwsSettingsMissing, awsRegion } from './aws-endpoint.ts'
import type { Environment } from './config.ts'

export type AwsSign = (
  service: AwsService,
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  at: Date,
) => Promise<Record<string, string>>

/**
 * Signs POST requests with AWS's own signer, by the credentials that the environment has at that moment: Lambda renews them.
 * @returns gives a request's headers with those that sign it; throws AwsSettingsMissing
 */
export function createAwsSign(env: Environment): AwsSign {
  const credentials = async () => credentialsIn(env)
  const region = async () => awsRegion(env)
  const signers = new Map<AwsService, SignatureV4>()
  return async (service, url, headers, body, signingDate) => {
    let signer = signers.get(service)
    if (!signer) {
      signer = new SignatureV4({ service, region, credentials, sha256: Sha256 })
      signers.set(service, signer)
    }
    const { protocol, hostname, pathname: path } = url
    const unsigned = { method: 'POST', protocol, hostname, path, query: {}, headers, body }
    return (await signer.sign(unsigned, { signingDate })).headers
  }
}

function credentialsIn(env: Environment) {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN } = env
  if (!accessKeyId || !secretAccessKey)
    throw new AwsSettingsMissing(
      'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set. Lambda sets them; elsewhere, set them yourself.',
    )
  return { accessKeyId, secretAccessKey, ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}) }
}

type Bytes = string | ArrayBuffer | ArrayBufferView

/** SHA-256, or HMAC-SHA256 where there is a secret, in the form that the signer asks for. */
class Sha256 {
  readonly #secret: KeyObject | undefined
  #data: Uint8Array = NOTHING

  constructor(secret?: Bytes) {
    // Given the bytes themselves, createHmac takes many times as long in Node 24.
    this.#secret = secret === undefined ? undefined : createSecretKey(bytesOf(secret))
  }

  update(data: Bytes): void {
    const more = bytesOf(data)
    this.#data = this.#data === NOTHING ? more : Buffer.concat([this.#data, more])
  }

  async digest(): Promise<Uint8Array> {
    if (this.#secret) return createHmac('sha256', this.#secret).update(this.#data).digest()
    return hash('sha256', this.#data, 'buffer')
  }
}

const NOTHING = new Uint8Array()

function bytesOf(data: Bytes): Uint8Array {
  if (data instanceof Uint8Array) return data
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
}
