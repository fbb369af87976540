import { createHash } from 'node:crypto'
import { systemClock } from '../../lib/base/clock.ts'
import { parseObject } from '../../lib/base/json.ts'

/** An emulated AWS Secrets Manager, as far as reading and writing secrets goes. */
export type SecretsManager = {
  /** Answers a call of the AWS SDK (AWS JSON 1.1). */
  fetch(request: Request): Promise<Response>
  /** Puts a value, making the secret where there is none. */
  set(secretId: string, value: string): void
  /** While on, every call is answered with 503. */
  outage(on: boolean): void
  /** How many calls have come in. */
  readonly calls: number
}

type Version = {
  readonly id: string
  /** What the caller gave: `SecretString`, or `SecretBinary` in base64. */
  readonly value: { readonly SecretString: string } | { readonly SecretBinary: string }
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly stages: ReadonlySet<string>
}

type Secret = { readonly name: string; readonly arn: string; readonly createdAt: number; versions: Version[] }

type Input = Readonly<Record<string, unknown>>

const CURRENT = 'AWSCURRENT'
const PREVIOUS = 'AWSPREVIOUS'
const ARN = 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:'

class AwsRefusal extends Error {
  override readonly name = 'AwsRefusal'
  readonly type: string

  constructor(type: string, message: string) {
    super(message)
    this.type = type
  }
}

/**
 * @param initial name → value
 * @param now milliseconds since the epoch
 * @param onCurrent is told of each value that becomes the current one
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/
 */
export function createSecretsManager(
  initial: Readonly<Record<string, string>> = {},
  now: () => number = systemClock.now,
  onCurrent: (name: string, value: string) => void = () => {},
): SecretsManager {
  const secrets = new Map<string, Secret>()
  let down = false
  let calls = 0
  const set = (secretId: string, SecretString: string): void => {
    const secret = find(secrets, secretId) ?? add(secrets, secretId, now())
    put(secret, { value: { SecretString }, token: undefined, stages: [CURRENT] }, now())
  }
  for (const [name, value] of Object.entries(initial)) set(name, value)
  return {
    async fetch(request) {
      calls += 1
      if (down) return json({ message: 'Service unavailable' }, 503)
      const target = request.headers.get('x-amz-target')?.replace(/^secretsmanager\./, '') ?? ''
      const action = ACTIONS.get(target)
      try {
        if (!action) throw new AwsRefusal('UnknownOperationException', `${target} is not emulated.`)
        const input = parseObject(await request.text())
        if (!input) throw new AwsRefusal('SerializationException', 'The body is no JSON object.')
        const before = find(secrets, String(input.SecretId ?? ''))
        const current = before && currentOf(before)
        const answer = action(secrets, input, now())
        const after = before && currentOf(before)
        if (after && after.id !== current?.id && 'SecretString' in after.value)
          onCurrent(before.name, after.value.SecretString)
        return json(answer)
      } catch (error) {
        if (!(error instanceof AwsRefusal)) throw error
        return json({ __type: error.type, message: error.message }, 400)
      }
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

type Action = (secrets: Map<string, Secret>, input: Input, now: number) => object

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['GetSecretValue', getSecretValue],
  ['PutSecretValue', putSecretValue],
  ['CreateSecret', createSecret],
  ['DescribeSecret', describeSecret],
  ['UpdateSecretVersionStage', updateSecretVersionStage],
])

function getSecretValue(secrets: Map<string, Secret>, input: Input): object {
  const secret = secretIn(secrets, input)
  const { VersionId: id, VersionStage: stage = id === undefined ? CURRENT : undefined } = input
  const version = secret.versions.find(
    one => (id === undefined || one.id === id) && (typeof stage === 'string' ? one.stages.has(stage) : true),
  )
  if (!version)
    throw new AwsRefusal(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for ${id === undefined ? `staging label: ${stage}` : `VersionId: ${id}`}`,
    )
  const { value, createdAt } = version
  return { ...named(secret, version), ...value, CreatedDate: createdAt / 1000 }
}

function putSecretValue(secrets: Map<string, Secret>, input: Input, now: number): object {
  const secret = secretIn(secrets, input)
  const value = valueIn(input)
  if (!value) throw new AwsRefusal('InvalidParameterException', 'SecretString or SecretBinary is required.')
  const { ClientRequestToken: token, VersionStages } = input
  const stages = Array.isArray(VersionStages) ? VersionStages.map(String) : [CURRENT]
  return named(secret, put(secret, { value, token, stages }, now))
}

/**
 * Moves a label from one version to another, only where it is still on the one that is named.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
 */
function updateSecretVersionStage(secrets: Map<string, Secret>, input: Input): object {
  const secret = secretIn(secrets, input)
  const { VersionStage: stage, MoveToVersionId: to, RemoveFromVersionId: from } = input
  if (typeof stage !== 'string')
    throw new AwsRefusal('InvalidParameterException', 'VersionStage is required.')
  const holder = secret.versions.find(({ stages }) => stages.has(stage))
  if (holder && holder.id !== to && holder.id !== from)
    throw new AwsRefusal(
      'InvalidParameterException',
      `Staging label ${stage} is currently attached to version ${holder.id}, so you must explicitly reference that version in RemoveFromVersionId.`,
    )
  if (to !== undefined && !secret.versions.some(({ id }) => id === to))
    throw new AwsRefusal('ResourceNotFoundException', `There is no version ${String(to)}.`)
  label(secret, stage, typeof to === 'string' ? to : undefined)
  return { ARN: secret.arn, Name: secret.name }
}

function createSecret(secrets: Map<string, Secret>, input: Input, now: number): object {
  const name = String(input.Name ?? '')
  if (name === '') throw new AwsRefusal('InvalidParameterException', 'Name is required.')
  if (find(secrets, name))
    throw new AwsRefusal('ResourceExistsException', `The secret ${name} already exists.`)
  const secret = add(secrets, name, now)
  const value = valueIn(input)
  const token = input.ClientRequestToken
  if (value) return named(secret, put(secret, { value, token, stages: [CURRENT] }, now))
  return { ARN: secret.arn, Name: secret.name }
}

function describeSecret(secrets: Map<string, Secret>, input: Input): object {
  const { arn, name, createdAt, versions } = secretIn(secrets, input)
  const staged = versions.filter(({ stages }) => stages.size > 0)
  return {
    ARN: arn,
    Name: name,
    CreatedDate: createdAt / 1000,
    LastChangedDate: (versions[0]?.createdAt ?? createdAt) / 1000,
    VersionIdsToStages: Object.fromEntries(staged.map(({ id, stages }) => [id, [...stages]])),
  }
}

const named = ({ arn, name }: Secret, { id, stages }: Version): object => ({
  ARN: arn,
  Name: name,
  VersionId: id,
  VersionStages: [...stages],
})

function secretIn(secrets: ReadonlyMap<string, Secret>, { SecretId }: Input): Secret {
  const secret = find(secrets, String(SecretId ?? ''))
  if (!secret)
    throw new AwsRefusal('ResourceNotFoundException', "Secrets Manager can't find the specified secret.")
  return secret
}

function valueIn({ SecretString, SecretBinary }: Input): Version['value'] | undefined {
  if (typeof SecretString === 'string') return { SecretString }
  return typeof SecretBinary === 'string' ? { SecretBinary } : undefined
}

/** A secret goes by its name, its ARN, or its ARN without the six characters that AWS adds. */
const find = (secrets: ReadonlyMap<string, Secret>, secretId: string): Secret | undefined =>
  secrets.get(secretId) ??
  [...secrets.values()].find(({ arn }) => arn === secretId || arn.slice(0, -7) === secretId)

function add(secrets: Map<string, Secret>, name: string, createdAt: number): Secret {
  const suffix = createHash('sha256').update(name).digest('hex').slice(0, 6)
  const secret: Secret = { name, arn: `${ARN}${name}-${suffix}`, createdAt, versions: [] }
  secrets.set(name, secret)
  return secret
}

type NewVersion = {
  readonly value: Version['value']
  readonly token: unknown
  readonly stages: readonly string[]
}

/** Adds a version, the newest first; the same request again changes nothing. The first one is the current one in any case. */
function put(secret: Secret, { value, token, stages }: NewVersion, createdAt: number): Version {
  const id = typeof token === 'string' ? token : String(secret.versions.length + 1).padStart(32, '0')
  const twin = secret.versions.find(one => one.id === id)
  if (twin && JSON.stringify(twin.value) === JSON.stringify(value)) return twin
  if (twin) throw new AwsRefusal('ResourceExistsException', `The version ${id} has another value already.`)
  const first = secret.versions.length === 0
  secret.versions = [{ id, value, createdAt, stages: new Set() }, ...secret.versions]
  for (const stage of first && !stages.includes(CURRENT) ? [...stages, CURRENT] : stages)
    label(secret, stage, id)
  return secret.versions.find(one => one.id === id) ?? { id, value, createdAt, stages: new Set(stages) }
}

/** Puts a label on one version and takes it from all others. What was current becomes the previous one. */
function label(secret: Secret, stage: string, id: string | undefined): void {
  const before = currentOf(secret)
  const without = (stages: ReadonlySet<string>, ...names: string[]) =>
    [...stages].filter(one => !names.includes(one))
  secret.versions = secret.versions.map(one => ({
    ...one,
    stages: new Set([...without(one.stages, stage), ...(one.id === id ? [stage] : [])]),
  }))
  if (stage !== CURRENT || !before || before.id === id) return
  secret.versions = secret.versions.map(one => ({
    ...one,
    stages: new Set([...without(one.stages, PREVIOUS), ...(one.id === before.id ? [PREVIOUS] : [])]),
  }))
}

const currentOf = ({ versions }: Secret): Version | undefined =>
  versions.find(({ stages }) => stages.has(CURRENT))

const json = (body: object, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/x-amz-json-1.1' } })
