import { targetText } from '../../lib/event/target.ts'
import type { BoxCheck, Learnt } from '../../lib/webhooks/box-check.ts'
import type { ReportedError } from '../../lib/webhooks/reconcile.ts'
import { type Check, deployFix } from './check.ts'
import type { Scene } from './context.ts'
import { type Finding, fail, ok, skipped, so, unknown, warn } from './finding.ts'

const RIGHTS = ['lambda:InvokeFunction']

/** What the Box app can do. Its credentials stay on AWS: the function reconcile asks Box. */
export const BOX_CHECKS: readonly Check[] = [
  {
    group: 'Box app',
    name: 'box-token',
    rights: RIGHTS,
    run: async scene => tokenFinding((await scene.boxCheck()).account, scene),
  },
  {
    group: 'Box app',
    name: 'webhooks-scope',
    rights: RIGHTS,
    run: async scene =>
      scopeFinding((await scene.boxCheck()).webhooks, 'The app may manage webhooks.', error =>
        fail(
          `The app may not manage webhooks: ${error.message}`,
          'In Box’s Developer Console tick the scope "Manage webhooks" of the app, then have an admin authorise the app again.',
        ),
      ),
  },
  {
    group: 'Box app',
    name: 'watched-items',
    rights: RIGHTS,
    run: async scene => targetsFinding((await scene.boxCheck()).targets),
  },
  {
    group: 'Box app',
    name: 'enterprise-events',
    rights: RIGHTS,
    run: async scene =>
      scopeFinding((await scene.boxCheck()).adminEvents, 'The app may read the enterprise’s events.', () =>
        warn(
          'The app may not read the enterprise’s events. Only a back-fill from them needs that.',
          'Before such a back-fill tick the scope "Manage enterprise properties" of the app in Box’s Developer Console, then have an admin authorise the app again.',
        ),
      ),
  },
]

/** Says whether the app gets a token, and whom it acts as. */
function tokenFinding(account: BoxCheck['account'], scene: Pick<Scene, 'place' | 'flags'>): Finding {
  if (account.ok) {
    const login = account.login ? `, ${account.login}` : ''
    return ok(`Box gives the app a token; it acts as ${account.name || 'a user'} (${account.id}${login}).`)
  }
  const { code, boxMessage } = account.error
  const found = [account.error.message, boxMessage && `Box says: ${boxMessage}`].filter(Boolean).join(' ')
  if (!('stage' in scene.place)) return fail(found, deployFix(scene))
  const store = `npx boxhooks secrets set box-app ${scene.flags}`
  if (code === 'box_app_secret_invalid') return fail(found, store)
  if (code === 'box_app_secret_unavailable')
    return fail(found, `${deployFix(scene)}, which gives the functions the right to read the secret anew.`)
  if (code === 'box_auth')
    return fail(
      found,
      `In Box’s Admin Console see that the app is authorised and enabled. Where its secret was reset: ${store}`,
    )
  return fail(found, 'See https://status.box.com, and try again in some minutes.')
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

const NO_TOKEN = 'Box gives the app no token, so nothing further can be asked.'

const NOT_ALLOWED: ReadonlySet<string> = new Set(['box_forbidden', 'box_not_found', 'box_auth'])

/** Says which watched items the app can't see, or only look at. */
function targetsFinding(targets: BoxCheck['targets']): Finding {
  if (!targets) return skipped(NO_TOKEN)
  if (targets.length === 0) return ok('No automation watches an item on Box.')
  const unseen = targets.flatMap(one => (one.ok || !NOT_ALLOWED.has(one.error.code) ? [] : [one]))
  if (unseen.length > 0)
    return fail(
      `The app cannot see ${unseen.length} of ${so(targets.length, 'watched item')}.`,
      'See that the id is right, and on Box invite the app’s user, whom box-token names, to the folder as Editor or Co-owner.',
      { details: unseen.map(({ target, error }) => `${targetText(target)}: ${error.message}`) },
    )
  const unanswered = targets.find(({ ok: answered }) => !answered)
  if (unanswered && !unanswered.ok) return unknown(unanswered.error.message)
  const readOnly = targets.filter(one => one.ok && one.canUpload === false && one.canChange === false)
  if (readOnly.length > 0)
    return warn(
      `The app can only look at ${readOnly.length} of ${so(targets.length, 'watched item')}, and change nothing there.`,
      'Where an automation is to change something, make the app’s user Editor or Co-owner of the folder on Box.',
      { details: readOnly.map(({ target }) => targetText(target)) },
    )
  return ok(`The app sees ${so(targets.length, 'watched item')}, and may change what is there.`)
}
