import type { Mutant } from './mutant.ts'

/** A Box client for the simulation's automations whose failed calls go through `caught(error)`. */
const boxWith = (caught: string) => `box: run => {
      const { files, downloads } = connection.box(run)
      const caught = ${caught}
      const through = on => new Proxy(on, { get: (api, name) => (...args) => api[name](...args).catch(caught) })
      return { files: through(files), downloads: through(downloads) }
    },`

/** Bugs that only show where Box, AWS and authors do what they are not expected to. */
export const HABIT_MUTANTS: readonly Mutant[] = [
  {
    name: 'what Box says is not ready yet counts as read',
    file: 'automate/automate-function.ts',
    find: 'box: connection.box,',
    replace: boxWith('error => { if (error.status !== 202) throw error }'),
    breaks: 'done_means_done',
    seedsMax: 40,
    turnedUp: { freshContent: 0.5 },
  },
  {
    name: 'a conflict that passes is taken for one that stays',
    file: 'automate/automate-function.ts',
    find: 'box: connection.box,',
    replace: boxWith(`error => {
        if (error.status !== 409) throw error
        const failure = { ...error.failure, class: 'permanent', code: 'box_conflict' }
        throw Object.create(error, { failure: { value: failure } })
      }`),
    breaks: 'waits_are_free',
    seedsMax: 20,
    turnedUp: { temporaryConflicts: 0.3 },
  },
  {
    name: 'refused credentials count as attempts',
    file: 'base/retry.ts',
    find: 'throttles + 1, random), counts: false }',
    replace: 'throttles + 1, random), counts: true }',
    breaks: 'waits_are_free',
    seedsMax: 20,
    times: { withdrawnAuthorisations: 1 },
  },
  {
    name: 'the time that an automation asks for is not looked at',
    file: 'automation/automation.ts',
    find: '    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),\n',
    replace: '',
    breaks: 'time_fits',
    seedsMax: 60,
    turnedUp: { longRuns: 1, lostCalls: 0.2, lostRequests: 0, lostResponses: 0, freezes: 0 },
    times: { outages: 0 },
  },
  {
    name: 'a filter that answers something odd leaves the event alone',
    file: 'automation/automation.ts',
    find: '{ when: declaration.when.bind(declaration) }',
    replace: `{
          when: (event, settings) => {
            const answer = declaration.when(event, settings)
            return answer === true || typeof answer?.skip === 'string' ? answer : false
          },
        }`,
    breaks: 'filter_faults_are_seen',
    seedsMax: 20,
    turnedUp: { oddFilters: 1 },
  },
  {
    name: 'a promise of a filter’s answer counts as something odd',
    file: 'automation/filter.ts',
    find: 'answerOf(await when(',
    replace: 'answerOf(when(',
    breaks: 'waits_are_free',
    seedsMax: 20,
    turnedUp: { oddFilters: 1 },
  },
  {
    name: 'an event is claimed however little time is left',
    file: 'automate/claim-event.ts',
    find: '    if (!fits(plan.start, input, clock.now()))\n',
    replace: '    if (!fits(plan.start, input, input.begunAt))\n',
    breaks: 'time_fits',
    seedsMax: 60,
    turnedUp: { longRuns: 1, lostCalls: 0.2, lostRequests: 0, lostResponses: 0, freezes: 0 },
    times: { outages: 0 },
  },
  {
    name: 'a partial path decides before the webhook is asked',
    file: 'automation/target.ts',
    find: '  const target = await lookUp(event.webhook.id)\n',
    replace: `  const shown = distinct(subscribed.flatMap(({ watch }) => watch)).filter(one => includes(pathOf(event), one))
  if (shown.length === 1) return { known: true, targets: shown }
  const target = await lookUp(event.webhook.id)\n`,
    breaks: 'right_runs',
    seedsMax: 40,
    plan: { nested: true },
  },
  {
    name: 'the delivery of a second webhook is taken for a duplicate',
    file: 'automate/claim.ts',
    find: ' || input.replay || brought.includes(bound)',
    replace: ' || input.replay',
    breaks: 'right_runs',
    seedsMax: 40,
    plan: { nested: true },
  },
  {
    name: 'what two webhooks concern runs once for each',
    file: 'automate/claim.ts',
    find: `({ record, concerned, replay }: ClaimInput): readonly BoundAutomation[] {
  return concerned.filter(
    ({ automation: { name } }) =>
      !Object.hasOwn(record?.runs ?? {}, name) &&`,
    replace: `({ record, concerned, brought, replay }: ClaimInput): readonly BoundAutomation[] {
  return concerned.filter(
    ({ automation: { name } }) =>
      (!Object.hasOwn(record?.runs ?? {}, name) || brought.some(({ automation }) => automation.name === name)) &&`,
    breaks: 'siblings_rest',
    seedsMax: 60,
    plan: { nested: true, automations: 5 },
  },
  {
    name: 'Box is asked about a webhook without a deadline',
    file: 'automate/resolve-targets.ts',
    find: 'await Promise.race([targetsOf(event, deps.automations, lookUp), timeOver])',
    replace:
      'await Promise.race([targetsOf(event, deps.automations, lookUp), timeOver.catch(() => new Promise<never>(() => {}))])',
    breaks: 'ends_in_time',
    seedsMax: 60,
    turnedUp: { slowLookups: 0.8, hangs: 0.1, lostRequests: 0, lostResponses: 0, freezes: 0 },
    times: { outages: 0 },
    plan: { recorded: 'none' },
  },
  {
    name: 'an event whose worker was lost is worked on beside others',
    file: 'automate/claim.ts',
    find: "  if (record && record.leaseUntil > 0 && !alone) return { kind: 'suspect' }\n",
    replace: '',
    breaks: 'lost_workers_were_alone',
    seedsMax: 40,
    turnedUp: { blocks: 1 },
  },
  {
    name: 'the end of a run does not wait for what it began',
    file: 'automate/run.ts',
    find: '      await underWay.close()\n',
    replace: '',
    breaks: 'lease_outlasts_work',
    seedsMax: 40,
    turnedUp: { parallel: 1, lostCalls: 0.2 },
  },
  {
    name: 'what a run begins after its end is let through',
    file: 'automate/run.ts',
    find: "    if (underWay.closed) throw new Error('The run has ended. What it begins now belongs to no attempt.')\n",
    replace: '',
    seedsMax: 40,
    turnedUp: { parallel: 1, longRuns: 1, transientErrors: 0.5 },
  },
  {
    name: 'a run that returns after its time was over is done',
    file: 'automate/run.ts',
    find: '    if (time.signal.aborted) return failed(time.signal.reason)\n',
    replace: '',
    breaks: 'done_is_whole',
    seedsMax: 40,
    turnedUp: { bestEffort: 1, longRuns: 1, hangs: 0.1 },
  },
  {
    name: 'a refused step that the code has caught is forgotten',
    file: 'automate/run.ts',
    find: '    if (refusal !== undefined) return failed(refusal)\n',
    replace: '',
    breaks: 'done_is_whole',
    seedsMax: 40,
    turnedUp: { bestEffort: 1, largeResults: 1 },
  },
  {
    name: 'what a run has not awaited is not looked at',
    file: 'automate/run.ts',
    find: '        forgotten = underWay.names\n',
    replace: '',
    seedsMax: 40,
    turnedUp: { unawaitedCalls: 1, failedCalls: 0.3 },
  },
  {
    name: 'a rejection that nothing handles does not fail its run',
    file: 'automate/run.ts',
    find: 'forgotten.length > 0 || strays.open.size > 0',
    replace: 'forgotten.length > 0',
    breaks: 'done_is_whole',
    seedsMax: 20,
    turnedUp: { strayRejections: 1 },
  },
  {
    name: 'a rejection that nothing handles is not listened for',
    file: 'base/stray-rejections.ts',
    find: '  listen()\n  const strays',
    replace: '  const strays',
    breaks: 'rejections_fail_alone',
    seedsMax: 20,
    turnedUp: { strayRejections: 1 },
  },
  {
    name: 'the filter is asked of new runs only',
    file: 'automate/claim-event.ts',
    find: 'plan.start.filter(({ automation }) => !context.filters.has(automation.name))',
    replace:
      'plan.start.filter(({ automation: { name } }) => !context.filters.has(name) && !Object.hasOwn(context.record?.runs ?? {}, name))',
    breaks: 'right_runs',
    seedsMax: 40,
    times: { eventReplays: 10 },
  },
  {
    name: 'a replayed run that its filter leaves alone counts an attempt before it is skipped',
    file: 'automate/claim.ts',
    find: "} else if (filter?.kind === 'skip') {",
    replace: "} else if (filter?.kind === 'skip' && !Object.hasOwn(record?.runs ?? {}, name)) {",
    and: {
      file: 'automate/settle-runs.ts',
      find: '  const filter = held.filters.get(name)\n',
      replace: `  const filter = held.filters.get(name)
  if (filter?.kind === 'skip') {
    const { reason } = filter
    record(claim, name, { ...run, status: 'skipped', reason, finishedAt: clock.now() })
    claim.open -= 1
    return
  }
`,
    },
    breaks: 'right_runs',
    seedsMax: 20,
    turnedUp: { kills: 0.6 },
    times: { eventReplays: 10 },
    plan: { events: 4, automations: 60 },
  },
  {
    name: 'each run may keep as much as there is room for',
    file: 'ledger/record-room.ts',
    find: ' / Math.max(1, all.length - settled.length)\n',
    replace: '\n',
    breaks: 'record_fits',
    seedsMax: 40,
    turnedUp: { largeResults: 1 },
    plan: { events: 4, automations: 60 },
  },
  {
    name: 'the reason of a skip is kept whole',
    file: 'automation/filter.ts',
    find: 'reason.slice(0, REASON_LENGTH_MAX)',
    replace: 'reason',
    and: { file: 'ledger/record-room.ts', find: 'reason: cut(reason, textBytes)', replace: 'reason' },
    breaks: 'record_fits',
    seedsMax: 20,
    turnedUp: { longReasons: 1 },
    plan: { events: 4, automations: 60 },
  },
  {
    name: 'what a stranger’s message says of itself is kept whole',
    file: 'automate/claim-event.ts',
    find: 'message.trigger.slice(0, ATTRIBUTE_LENGTH_MAX)',
    replace: 'message.trigger',
    breaks: 'record_fits',
    seedsMax: 20,
    turnedUp: { strangers: 0.5 },
  },
  {
    name: 'a dead letter stands only for the runs that it has room to name',
    file: 'queue/message.ts',
    find: '...(named < automations.length ? { all } : {})',
    replace: '',
    breaks: 'redrive_helps',
    seedsMax: 20,
    turnedUp: { permanentErrors: 0.9 },
    plan: { events: 4, automations: 60 },
  },
  {
    name: 'a backfill does not ask for the rest of the second that its span ends in',
    file: 'backfill/backfill.ts',
    find: 'until: to, types })',
    replace: 'until: Math.floor(until / 1000) * 1000 - 999, types })',
    breaks: 'backfill_finds_all',
    seedsMax: 40,
    plan: { backfills: true },
  },
  {
    name: 'a backfill takes no account of what happened just outside its span',
    file: 'backfill/backfill.ts',
    find: 'const [from, to] = [since - EDGE_MS, until + EDGE_MS]',
    replace: 'const [from, to] = [since, until]',
    breaks: 'backfill_finds_all',
    seedsMax: 200,
    plan: { backfills: true, nested: true, events: 60 },
  },
  {
    name: 'a backfill does not look whether a webhook brought the event',
    file: 'backfill/backfill.ts',
    find: 'new Map(found.map(one => [one.match.event, one]))',
    replace: 'new Map()',
    breaks: 'backfill_repeats_nothing',
    seedsMax: 20,
    plan: { backfills: true },
  },
  {
    name: 'a backfilled event has an id of its own where one of its webhooks brought it',
    file: 'backfill/backfill.ts',
    find: 'id: brought?.match.record ?? claim.id',
    replace: 'id: claim.id',
    breaks: 'backfill_repeats_nothing',
    seedsMax: 40,
    plan: { backfills: true, nested: true },
  },
  {
    name: 'a backfilled event has an id of its own for each target',
    file: 'backfill/backfill.ts',
    find: 'return targets.length > 0 ? [{ ...claim, id: brought?.match.record ?? claim.id, targets }] : []',
    replace:
      'return targets.map(one => ({ ...claim, id: (brought?.match.record ?? claim.id) + one.id, targets: [one] }))',
    breaks: 'backfill_repeats_nothing',
    seedsMax: 40,
    plan: { backfills: true, nested: true },
  },
]
