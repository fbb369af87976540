import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { AwsUnreachable, awsReason } from '../../infra/stage/aws-reason.ts'
import { readStage } from '../../infra/stage/stage.ts'
import { parseObject } from '../../lib/base/json.ts'
import { readKeySecret } from '../../lib/key-secret.ts'
import { pairOf, passedOver, SECRETS, type SecretKind, type SecretName } from '../stage/secret-rules.ts'
import { CommandError } from '../terminal/command-error.ts'
import { openPrompt, type Prompt } from '../terminal/prompt.ts'
import { readText } from '../terminal/read-input.ts'
import type { Shell } from '../terminal/shell.ts'

export type SecretPlace = {
  readonly stage?: string
  readonly region: string
  /** Names the secret itself instead of a stage's. */
  readonly secretId?: string
}

export type SetOptions = SecretPlace & {
  /** A file, or `-` for standard input; prompts where it is absent. */
  readonly file?: string
}

/**
 * Stores a secret after checking it. Nothing of it is ever printed.
 * @throws CommandError, AwsUnreachable, each with what to do; nothing is changed then
 */
export async function setSecret(shell: Shell, name: SecretName, options: SetOptions): Promise<void> {
  const kind: SecretKind = SECRETS[name]
  const typed = options.file === undefined ? undefined : readText(shell, options.file)
  const id = await secretId(name, options)
  const before = (await readSecret(id, options))?.text
  if (name === 'signature-keys' && isRotated(before)) throw new CommandError(rotated(options))
  const text = typed === undefined ? await prompted(shell, name, before) : merged(name, typed, before)
  const unread = typed === undefined || name === 'box-app' ? [] : passedOver(typed)
  const problems = [...unread, ...kind.problems(text)]
  if (problems.length > 0)
    throw new CommandError(
      [`${capital(kind.what)} were not stored:`, ...problems.map(problem => `  ${problem}`)].join('\n'),
    )
  await writeSecret(id, text, options.region)
  const warnings = kind.warnings(text).map(warning => `But: ${warning}`)
  await shell.print([`Stored ${kind.what}.`, ...warnings, ...nextSteps(name, options.stage)].join('\n'))
}

function nextSteps(name: SecretName, stage: string | undefined): string[] {
  if (stage === undefined) return []
  if (name === 'v1-tokens')
    return ['Next: give the token to the V1 webhook in the Developer Console; see docs/webhooks.md.']
  return [
    `Next: npx boxhooks secrets check --stage ${stage}`,
    ...(name === 'box-app' ? [`Then:  npx boxhooks webhooks apply --stage ${stage}`] : []),
  ]
}

export type Checked = {
  readonly name: SecretName
  readonly ok: boolean
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * Reads and checks the secrets of a stage, or one that is named.
 * @returns what was found, without a value or a part of one
 * @throws AwsUnreachable
 */
export async function checkSecrets(place: SecretPlace, only: SecretName | undefined): Promise<Checked[]> {
  const names: readonly SecretName[] = only ? [only] : ['signature-keys', 'box-app', 'v1-tokens']
  const outputs = place.secretId === undefined ? await stageOutputs(place) : undefined
  const checked: Checked[] = []
  for (const name of names) {
    const id = place.secretId ?? outputs?.[SECRETS[name].output]
    // Only a stage that takes V1 callbacks has tokens.
    if (id === undefined && name === 'v1-tokens' && only === undefined) continue
    checked.push(id === undefined ? lacking(name, place.stage) : await checkSecret(name, id, place))
  }
  return checked
}

const lacking = (name: SecretName, stage: string | undefined): Checked => ({
  name,
  ok: false,
  problems: [absent(name, stage)],
  warnings: [],
})

/** How Secrets Manager is reached. */
export type SecretsReach = {
  readonly region: string
  readonly endpoint?: string
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/**
 * Reads and checks one secret.
 * @param id its name or ARN
 * @returns what was found, without a value or a part of one, and when the value was stored, where that is told
 * @throws AwsUnreachable; the signal's reason
 */
export async function checkSecret(
  name: SecretName,
  id: string,
  reach: SecretsReach,
  signal?: AbortSignal,
): Promise<Checked & { readonly storedAt?: Date }> {
  const kind: SecretKind = SECRETS[name]
  const { text = '{}', storedAt } = (await readSecret(id, reach, signal)) ?? {}
  const problems = kind.problems(text)
  const warnings = problems.length > 0 ? [] : kind.warnings(text)
  return { name, ok: problems.length === 0, problems, warnings, ...(storedAt ? { storedAt } : {}) }
}

/** Prints what {@link checkSecrets} found; the exit code is 1 where something is wrong. */
export async function check(
  shell: Shell,
  place: SecretPlace & { readonly json?: boolean },
  only: SecretName | undefined,
): Promise<void> {
  const checked = await checkSecrets(place, only)
  if (checked.some(({ ok }) => !ok)) shell.exitCode = 1
  const lines = checked.flatMap(one => linesOf(one, place.stage))
  await shell.print(place.json ? JSON.stringify(checked, null, 2) : lines.join('\n'))
}

function linesOf({ name, ok, problems, warnings }: Checked, stage: string | undefined): string[] {
  const fix = stage === undefined ? [] : [`      Fix: npx boxhooks secrets set ${name} --stage ${stage}`]
  if (!ok) return [`fail  ${name}`, ...problems.map(problem => `      ${problem}`), ...fix]
  return [`${warnings.length > 0 ? 'warn' : 'ok  '}  ${name}`, ...warnings.map(warning => `      ${warning}`)]
}

async function secretId(name: SecretName, place: SecretPlace): Promise<string> {
  if (place.secretId !== undefined) return place.secretId
  const id = (await stageOutputs(place))[SECRETS[name].output]
  if (id === undefined) throw new CommandError(absent(name, place.stage))
  return id
}

const stageOutputs = ({ stage = '', region }: SecretPlace) => readStage({ stage, region })

const absent = (name: SecretName, stage = ''): string =>
  name === 'v1-tokens'
    ? `The stage ${stage} takes no V1 callbacks, so it has no secret for their tokens. Set v1Webhooks: true under params.${stage} in serverless.yml, and deploy.`
    : `The stack of ${stage} has no output ${SECRETS[name].output}; it was deployed by an older version. Deploy it again: npm run deploy -- --stage ${stage}`

/** Whether a rotation of the keys is under way, which goes by what is stored. */
const isRotated = (text: string | undefined): boolean =>
  parseObject(text ?? '') !== undefined && readKeySecret(text).rotation !== undefined

function rotated({ stage }: SecretPlace): string {
  const rotate = `npx boxhooks keys rotate --stage ${stage ?? 'NAME'}`
  return `A rotation is under way, so nothing was stored. Go on with it: ${rotate}. Or end it first: ${rotate} --abort`
}

/** Of two keys the one that is not given stays as it is. */
function merged(name: SecretName, text: string, before: string | undefined): string {
  const given = name === 'box-app' ? undefined : pairOf(text)
  return given ? JSON.stringify({ ...pairOf(before ?? ''), ...given }) : text
}

async function prompted({ terminal }: Shell, name: SecretName, before: string | undefined): Promise<string> {
  if (!terminal)
    throw new CommandError(
      'Nobody is there to ask. Give a file with --file FILE, or standard input with --file -.',
    )
  const prompt = openPrompt(terminal)
  try {
    return JSON.stringify(name === 'box-app' ? await askApp(prompt) : await askPair(prompt, before))
  } finally {
    prompt.close()
  }
}

async function askPair({ ask }: Prompt, before: string | undefined): Promise<object> {
  const known = pairOf(before ?? '') ?? {}
  const pair: Record<string, string> = { ...known }
  for (const which of ['primary', 'secondary'] as const) {
    const keep = known[which] ? ' (empty keeps what is stored)' : ''
    const answer = await ask(`${capital(which)}${keep}: `, { hidden: true })
    if (answer) pair[which] = answer
  }
  return pair
}

const askApp = async ({ ask }: Prompt): Promise<object> => ({
  clientId: await ask('Client id: '),
  clientSecret: await ask('Client secret: ', { hidden: true }),
  enterpriseId: await ask('Enterprise id: '),
})

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** @returns undefined where the secret has no value yet */
async function readSecret(
  SecretId: string,
  { region, endpoint, credentials }: SecretsReach,
  signal?: AbortSignal,
): Promise<{ readonly text: string | undefined; readonly storedAt: Date | undefined } | undefined> {
  const reach = { region, ...(endpoint ? { endpoint } : {}), ...(credentials ? { credentials } : {}) }
  return withSecrets(reach, 'secretsmanager:GetSecretValue', SecretId, async client => {
    try {
      const abort = signal ? { abortSignal: signal } : {}
      const answer = await client.send(new GetSecretValueCommand({ SecretId }), abort)
      return { text: answer.SecretString, storedAt: answer.CreatedDate }
    } catch (error) {
      signal?.throwIfAborted()
      const message = error instanceof Error ? error.message : ''
      // A secret without a version is found and has no value.
      if (nameOf(error) === 'ResourceNotFoundException' && /staging label/i.test(message)) return undefined
      throw error
    }
  })
}

async function writeSecret(SecretId: string, SecretString: string, region: string): Promise<void> {
  await withSecrets({ region }, 'secretsmanager:PutSecretValue', SecretId, client =>
    client.send(new PutSecretValueCommand({ SecretId, SecretString })),
  )
}

async function withSecrets<R>(
  reach: SecretsReach,
  right: string,
  id: string,
  call: (client: SecretsManagerClient) => Promise<R>,
): Promise<R> {
  const { region } = reach
  const client = new SecretsManagerClient({ ...reach, maxAttempts: 2 })
  try {
    return await call(client)
  } catch (error) {
    if (error instanceof DOMException) throw error
    throw new AwsUnreachable(
      nameOf(error) === 'ResourceNotFoundException'
        ? `There is no secret ${id} in ${region}. See that its name and the region are right.`
        : awsReason(error, `${right} on ${id}`, region),
      { cause: error },
    )
  } finally {
    client.destroy()
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '')
