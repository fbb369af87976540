import { Argument, Command } from 'commander'
import { regionOf } from '../../infra/stage/aws-reason.ts'
import { stageProblem } from '../../infra/stage/stage-name.ts'
import { isSecretName, SECRETS, type SecretName } from '../stage/secret-rules.ts'
import { usageError } from '../terminal/command-error.ts'
import type { Shell } from '../terminal/shell.ts'
import type { SecretPlace } from './secrets.ts'

type Shared = { readonly stage?: string; readonly region?: string; readonly secretId?: string }

/** Makes the command `secrets` with its subcommands. */
export function secretsCommand(shell: Shell): Command {
  const command = new Command('secrets').description('Manage the secrets of a stage')
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

  add('set', 'Check a secret and store it in Secrets Manager; prompts for it and shows nothing of it', true)
    .option('--file <file>', 'read it from a file, or from standard input with -')
    .action(async (secret: string, options: Shared & { readonly file?: string }) =>
      (await import('./secrets.ts')).setSecret(shell, nameOf(secret), { ...options, ...placeOf(options) }),
    )
  add('check', 'Check the stored secrets', false)
    .option('--json', 'print JSON')
    .action(async (secret: string | undefined, options: Shared & { readonly json?: boolean }) => {
      const only = secret === undefined ? undefined : nameOf(secret)
      if (options.secretId !== undefined && only === undefined)
        throw usageError(`Say which secret that is: ${Object.keys(SECRETS).join(', ')}.`)
      return (await import('./secrets.ts')).check(shell, { ...options, ...placeOf(options) }, only)
    })
  return command
}

function nameOf(secret: string): SecretName {
  if (isSecretName(secret)) return secret
  throw usageError(
    `There is no secret ${JSON.stringify(secret)}; there are ${Object.keys(SECRETS).join(', ')}.`,
  )
}

function placeOf({ stage, region, secretId }: Shared): SecretPlace {
  if ((stage === undefined) === (secretId === undefined))
    throw usageError(
      'Say where: --stage NAME for a deployed stage, or --secret-id ID for a secret by its name.',
    )
  const problem = stage === undefined ? undefined : stageProblem(stage)
  if (problem !== undefined) throw usageError(problem)
  return {
    region: regionOf(region),
    ...(stage === undefined ? {} : { stage }),
    ...(secretId === undefined ? {} : { secretId }),
  }
}
