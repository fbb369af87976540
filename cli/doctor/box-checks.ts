import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { targetText } from '../../lib/event/target.ts'
import type { BoxCheck, Learnt } from '../../lib/webhooks/box-check.ts'
import type { ReconcileReport, ReportedAction, ReportedError } from '../../lib/webhooks/reconcile.ts'
import { SECRETS, type SecretKind, type SecretName } from '../stage/secret-rules.ts'
import { type Check, CheckInconclusive, callAws, type DoctorContext, deployFix } from './context.ts'
import { type Finding, fail, ok, pluralize, skipped, spanText, unknown, warn } from './finding.ts'

/** The secrets of a stage: there, whole, and not the same twice. */
export const SECRET_CHECKS: readonly Check[] = [
  {
    group: 'Box app',
    name: 'signature-keys',
    rights: ['secretsmanager:GetSecretValue'],
    outputs: [SECRETS['signature-keys'].output],
    run: (context, signal) => checkSecret('signature-keys', context, signal),
  },
  {
    group: 'Box app',
    name: 'v1-tokens',
    rights: ['secretsmanager:GetSecretValue'],
    run: async (context, signal) =>
      context.outputs[SECRETS['v1-tokens'].output]
        ? checkSecret('v1-tokens', context, signal)
        : skipped('The stage takes no V1 callbacks.'),
  },
  {
    group: 'Box app',
    name: 'app-credentials',
    rights: ['secretsmanager:GetSecretValue'],
    outputs: [SECRETS['box-app'].output],
    run: (context, signal) => checkSecret('box-app', context, signal),
  },
]

async function checkSecret(name: SecretName, context: DoctorContext, signal: AbortSignal): Promise<Finding> {
  const id = context.outputs[SECRETS[name].output] ?? ''
  const { text = '{}', storedAt } = await readSecret(id, context, signal)
  const kind: SecretKind = SECRETS[name]
  const problems = kind.problems(text)
  const warnings = problems.length > 0 ? [] : kind.warnings(text)
  const what = WHAT[name]
  const [first = '', ...others] = [...problems, ...warnings]
  const details = others.length > 0 ? { details: others } : {}
  if (problems.length > 0) return fail(`${what} can't be used: ${first}`, fixOf(name, context), details)
  if (warnings.length > 0) return warn(first, fixOf(name, context), details)
  const age = storedAt ? `, stored ${spanText((context.now() - storedAt.getTime()) / 1000)} ago` : ''
  return ok(`${what} have the form that they must have${age}.`)
}

type StoredSecret = { readonly text?: string | undefined; readonly storedAt?: Date | undefined }

/** @throws CheckInconclusive where there is no such secret, or it can't be read */
function readSecret(SecretId: string, context: DoctorContext, signal: AbortSignal): Promise<StoredSecret> {
  return callAws(context, `secretsmanager:GetSecretValue on ${SecretId}`, signal, async options => {
    try {
      const answer = await context.clients.secrets.send(new GetSecretValueCommand({ SecretId }), options)
      return { text: answer.SecretString, storedAt: answer.CreatedDate }
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'ResourceNotFoundException') throw error
      // A secret without a version is found and has no value.
      if (/staging label/i.test(error.message)) return {}
      throw new CheckInconclusive(`There is no secret ${SecretId}. ${deployFix(context)}`)
    }
  })
}

const WHAT: Readonly<Record<SecretName, string>> = {
  'signature-keys': 'The two signature keys',
  'v1-tokens': 'The two tokens of V1 callbacks',
  'box-app': 'The credentials of the Box app',
}

const fixOf = (name: SecretName, context: DoctorContext): string =>
  'stage' in context.ref ? `npx boxhooks secrets set ${name} ${context.flags}` : deployFix(context)

const RIGHTS = ['lambda:InvokeFunction']

/** What the Box app can do. Its credentials stay on AWS: the function reconcile asks Box. */
export const BOX_CHECKS: readonly Check[] = [
  {
    group: 'Box app',
    name: 'box-token',
    rights: RIGHTS,
    run: async context => tokenFinding((await context.boxCheck()).account, context),
  },
  {
    group: 'Box app',
    name: 'webhooks-scope',
    rights: RIGHTS,
    run: async context =>
      scopeFinding((await context.boxCheck()).webhooks, 'The app may manage webhooks.', error =>
        fail(
          `The app may not manage webhooks: ${error.message}`,
          'In Box’s Developer Console enable the scope "Manage webhooks" of the app, then have an admin authorise the app again.',
        ),
      ),
  },
  {
    group: 'Box app',
    name: 'watched-items',
    rights: RIGHTS,
    run: async context => targetsFinding((await context.boxCheck()).targets),
  },
  {
    group: 'Box app',
    name: 'enterprise-events',
    rights: RIGHTS,
    run: async context =>
      scopeFinding((await context.boxCheck()).adminEvents, 'The app may read the enterprise’s events.', () =>
        warn(
          'The app may not read the enterprise’s events. Only a backfill from them needs that.',
          'Before such a backfill, enable the scope "Manage enterprise properties" of the app in Box’s Developer Console, then have an admin authorise the app again.',
        ),
      ),
  },
]

/** Judges whether the app gets a token, and whom it acts as. */
function tokenFinding(account: BoxCheck['account'], context: Pick<DoctorContext, 'ref' | 'flags'>): Finding {
  if (account.ok) {
    const login = account.login ? `, ${account.login}` : ''
    return ok(`Box gives the app a token; it acts as ${account.name || 'a user'} (${account.id}${login}).`)
  }
  const { code, boxMessage } = account.error
  const found = [account.error.message, boxMessage && `Box says: ${boxMessage}`].filter(Boolean).join(' ')
  if (!('stage' in context.ref)) return fail(found, deployFix(context))
  const store = `npx boxhooks secrets set box-app ${context.flags}`
  if (code === 'box_app_secret_invalid') return fail(found, store)
  if (code === 'box_app_secret_unavailable')
    return fail(
      found,
      `${deployFix(context)}, which grants the functions the right to read the secret again.`,
    )
  if (code === 'box_auth')
    return fail(
      found,
      `Check in Box’s Admin Console that the app is authorised and enabled. If its secret was reset: ${store}`,
    )
  return fail(found, 'Check https://status.box.com and try again in some minutes.')
}

function scopeFinding(
  learnt: Learnt<object> | undefined,
  yes: string,
  no: (error: ReportedError) => Finding,
): Finding {
  if (!learnt) return skipped(NO_TOKEN)
  if (learnt.ok) return ok(yes)
  return NOT_ALLOWED.has(learnt.error.code) ? no(learnt.error) : unknown(learnt.error.message)
}

const NO_TOKEN = 'Box gives the app no token, so this can’t be checked.'

const NOT_ALLOWED: ReadonlySet<string> = new Set(['box_forbidden', 'box_not_found', 'box_auth'])

/** Judges which watched items the app can't see, or can only read. */
function targetsFinding(targets: BoxCheck['targets']): Finding {
  if (!targets) return skipped(NO_TOKEN)
  if (targets.length === 0) return ok('No automation watches an item on Box.')
  const unseen = targets.flatMap(one => (one.ok || !NOT_ALLOWED.has(one.error.code) ? [] : [one]))
  if (unseen.length > 0)
    return fail(
      `The app cannot see ${unseen.length} of ${pluralize(targets.length, 'watched item')}.`,
      'Check the id, and invite the app’s user (see box-token) to the folder on Box as Editor or Co-owner.',
      { details: unseen.map(({ target, error }) => `${targetText(target)}: ${error.message}`) },
    )
  const unanswered = targets.find(({ ok: answered }) => !answered)
  if (unanswered && !unanswered.ok) return unknown(unanswered.error.message)
  const readOnly = targets.filter(one => one.ok && one.canUpload === false && one.canChange === false)
  if (readOnly.length > 0)
    return warn(
      `The app can only read ${readOnly.length} of ${pluralize(targets.length, 'watched item')}.`,
      'If an automation changes something there, make the app’s user Editor or Co-owner of the folder on Box.',
      { details: readOnly.map(({ target }) => targetText(target)) },
    )
  return ok(`The app sees ${pluralize(targets.length, 'watched item')}, and may change what is there.`)
}

/** The webhooks on Box: those that the automations declare. */
export const WEBHOOK_CHECKS: readonly Check[] = [
  {
    group: 'Webhooks',
    name: 'webhooks',
    rights: ['lambda:InvokeFunction'],
    run: async context => webhooksFinding(await context.plan(), context),
  },
]

/** Judges whether the webhooks match the declarations. */
function webhooksFinding(report: ReconcileReport, { flags }: Pick<DoctorContext, 'flags'>): Finding {
  const { actions, counts, problems, error, inStep, total } = report
  if (problems.length > 0)
    return fail(
      'Box would reject what the automations declare.',
      'Change the automation or the setting that is named, then deploy.',
      {
        details: problems.map(
          ({ field, target, message }) => `${[target, field].filter(Boolean).join(' ')}: ${message}`,
        ),
      },
    )
  if (error) return fail(`Box does not list its webhooks: ${error.message}`, 'Fix box-token first.')
  if (inStep) {
    const all = total === undefined ? '' : `, of ${pluralize(total, 'webhook')} of the app`
    return ok(
      counts.leave === 0
        ? 'No automation needs a webhook.'
        : `${pluralize(counts.leave, 'webhook')} as declared${all}.`,
    )
  }
  const details = actions.filter(({ kind }) => kind !== 'leave').map(lineOf)
  const apply = `npx boxhooks webhooks apply ${flags}`
  if (counts.conflict > 0)
    return fail(
      `${pluralize(counts.conflict, 'webhook')} in conflict with another.`,
      `Resolve each as described, then ${apply}`,
      { details },
    )
  const lacking = counts.create + counts.update
  if (lacking > 0)
    return fail(`${pluralize(lacking, 'webhook')} missing on Box or not as declared.`, apply, { details })
  return warn(`${pluralize(counts.delete, 'webhook')} that no automation declares any more.`, apply, {
    details,
  })
}

const lineOf = ({ kind, target, message }: ReportedAction): string =>
  `${kind} ${targetText(target)}: ${message}`
