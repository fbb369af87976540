import { checkSecret } from '../secrets/secrets.ts'
import type { SecretName } from '../stage/secret-rules.ts'
import { SECRETS } from '../stage/secret-rules.ts'
import { type Check, deployFix } from './check.ts'
import type { Scene } from './context.ts'
import { type Finding, fail, ok, skipped, spanText, warn } from './finding.ts'

/** The secrets of a stage: there, whole, and not the same twice. */
export const SECRET_CHECKS: readonly Check[] = [
  {
    group: 'Box app',
    name: 'signature-keys',
    rights: ['secretsmanager:GetSecretValue'],
    outputs: [SECRETS['signature-keys'].output],
    run: (scene, signal) => look('signature-keys', scene, signal),
  },
  {
    group: 'Box app',
    name: 'v1-tokens',
    rights: ['secretsmanager:GetSecretValue'],
    run: async (scene, signal) =>
      scene.outputs[SECRETS['v1-tokens'].output]
        ? look('v1-tokens', scene, signal)
        : skipped('The stage takes no V1 callbacks.'),
  },
  {
    group: 'Box app',
    name: 'app-credentials',
    rights: ['secretsmanager:GetSecretValue'],
    outputs: [SECRETS['box-app'].output],
    run: (scene, signal) => look('box-app', scene, signal),
  },
]

async function look(name: SecretName, scene: Scene, signal: AbortSignal): Promise<Finding> {
  const id = scene.outputs[SECRETS[name].output] ?? ''
  const { problems, warnings, storedAt } = await checkSecret(name, id, scene.reach('SECRETS_MANAGER'), signal)
  const what = WHAT[name]
  const [first = '', ...others] = [...problems, ...warnings]
  const details = others.length > 0 ? { details: others } : {}
  if (problems.length > 0) return fail(`${what} can't be used: ${first}`, fixOf(name, scene), details)
  if (warnings.length > 0) return warn(first, fixOf(name, scene), details)
  const age = storedAt ? `, stored ${spanText((scene.now() - storedAt.getTime()) / 1000)} ago` : ''
  return ok(`${what} have the form that they must have${age}.`)
}

const WHAT: Readonly<Record<SecretName, string>> = {
  'signature-keys': 'The two signature keys',
  'v1-tokens': 'The two tokens of V1 callbacks',
  'box-app': 'The credentials of the Box app',
}

const fixOf = (name: SecretName, scene: Scene): string =>
  'stage' in scene.place ? `npx boxhooks secrets set ${name} ${scene.flags}` : deployFix(scene)
