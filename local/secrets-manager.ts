/** An emulated AWS Secrets Manager, as far as reading and writing secrets goes. */
export type SecretsManager = {
  /** Answers a call of the AWS SDK (AWS JSON 1.1). */
  fetch(request: Request): Promise<Response>
  set(secretId: string, value: string): void
  /** While on, every call is answered with 503. */
  outage(on: boolean): void
  /** How many calls have been answered. */
  readonly calls: number
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/ */
export function createSecretsManager(initial: Readonly<Record<string, string>> = {}): SecretsManager {
  const secrets = new Map<string, { value: string; version: number }>()
  let down = false
  let calls = 0
  const set = (secretId: string, value: string) => {
    secrets.set(secretId, { value, version: (secrets.get(secretId)?.version ?? 0) + 1 })
  }
  for (const [secretId, value] of Object.entries(initial)) set(secretId, value)

  const answer = (target: string, input: Record<string, unknown>): Response => {
    const secretId = String(input.SecretId ?? input.Name ?? '')
    const value = String(input.SecretString ?? '')
    if (target === 'CreateSecret') {
      if (secrets.has(secretId)) return refusal('ResourceExistsException', `${secretId} exists already.`)
      set(secretId, value)
    }
    const secret = secrets.get(secretId)
    if (!secret)
      return refusal('ResourceNotFoundException', "Secrets Manager can't find the specified secret.")
    if (target === 'PutSecretValue') set(secretId, value)
    const known = secrets.get(secretId) ?? secret
    return json({
      ARN: `arn:aws:secretsmanager:local:000000000000:secret:${secretId}`,
      Name: secretId,
      VersionId: `00000000-0000-0000-0000-${String(known.version).padStart(12, '0')}`,
      ...(target === 'GetSecretValue' ? { SecretString: known.value, VersionStages: ['AWSCURRENT'] } : {}),
    })
  }

  return {
    async fetch(request) {
      calls += 1
      if (down) return json({ message: 'Service unavailable' }, 503)
      const target = request.headers.get('x-amz-target')?.replace(/^secretsmanager\./, '') ?? ''
      if (!ACTIONS.has(target)) return refusal('UnknownOperationException', `${target} is not emulated.`)
      const input: unknown = await request.json()
      return answer(target, typeof input === 'object' && input !== null ? { ...input } : {})
    },
    set,
    outage(on) {
      down = on
    },
    get calls() {
      return calls
    },
  }
}

const ACTIONS: ReadonlySet<string> = new Set([
  'GetSecretValue',
  'PutSecretValue',
  'CreateSecret',
  'DescribeSecret',
])

const json = (body: object, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/x-amz-json-1.1' } })

const refusal = (type: string, message: string): Response => json({ __type: type, message }, 400)
