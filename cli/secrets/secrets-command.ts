import { Argument, Command } from 'commander'
import { regionOf } from '../../infra/aws-reason.ts'
import { stageProblem } from '../../infra/stage-name.ts'
import { isSecretName, SECRETS, type SecretName, SecretsFailed } from './secret-rules.ts'
import type { SecretPlace } from './secrets.ts'

type Shared = { readonly stage?: string; readonly region?: string; readonly secretId?: string }

/** Makes the command `secrets` with its own. */
export function secretsCommand(): Command {
  const command = new Command('secrets').description(
    'what a stage may know and nobody else: the signature keys, and the Box app’s credentials',
  )
  const add = (name: string, description: string, required: boolean): Command =>
    command
      .command(name)
      .description(description)
      .addArgument(
        new Argument(required ? '<secret>' : '[secret]', 'which one').choices(Object.keys(SECRETS)),
      )
      .option('--stage <stage>', 'the deployed stage')
      .option('--region <region>', 'its region (or set AWS_REGION)')
      .option('--secret-id <id>', 'the secret itself, by its name or ARN, instead of a stage’s')

  add('set', 'check a secret and store it in Secrets Manager; asks for it, and shows nothing of it', true)
    .option('--file <file>', 'read it from a file, or from standard input with -')
    .action(async (secret: string, options: Shared & { readonly file?: string }) =>
      (await import('./secrets.ts')).setSecret(nameOf(secret), { ...options, ...placeOf(options) }),
    )
  add('check', 'read the secrets that are stored, and say what is wrong with them', false)
    .option('--json', 'print JSON')
    .action(async (secret: string | undefined, options: Shared & { readonly json?: boolean }) => {
      const only = secret === undefined ? undefined : nameOf(secret)
      if (options.secretId !== undefined && only === undefined)
        throw new SecretsFailed(`Say which secret that is: ${Object.keys(SECRETS).join(', ')}.`)
      return (await import('./secrets.ts')).check({ ...options, ...placeOf(options) }, only)
    })
  return command
}

function nameOf(secret: string): SecretName {
  if (isSecretName(secret)) return secret
  throw new SecretsFailed(
    `There is no secret ${JSON.stringify(secret)}; there are ${Object.keys(SECRETS).join(', ')}.`,
  )
}

function placeOf({ stage, region, secretId }: Shared): SecretPlace {
  if ((stage === undefined) === (secretId === undefined))
    throw new SecretsFailed(
      'Say where: --stage NAME for a deployed stage, or --secret-id ID for a secret by its name.',
    )
  const problem = stage === undefined ? undefined : stageProblem(stage)
  if (problem !== undefined) throw new SecretsFailed(problem)
  return {
    region: regionOf(region),
    ...(stage === undefined ? {} : { stage }),
    ...(secretId === undefined ? {} : { secretId }),
  }
}
