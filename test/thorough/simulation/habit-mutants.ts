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
    file: 'automate-function.ts',
    find: 'box: connection.box,',
    replace: boxWith('error => { if (error.status !== 202) throw error }'),
    breaks: 'done_means_done',
    seedsMax: 40,
    turnedUp: { freshContent: 0.5 },
  },
  {
    name: 'a conflict that passes is taken for one that stays',
    file: 'automate-function.ts',
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
    name: 'the time that an automation asks for is not looked at',
    file: 'automation.ts',
    find: '    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),\n',
    replace: '',
    breaks: 'time_fits',
    seedsMax: 60,
    turnedUp: { longRuns: 1, lostCalls: 0.2, lostRequests: 0, lostResponses: 0, freezes: 0 },
    times: { outages: 0 },
  },
  {
    name: 'a filter that answers something odd leaves the event alone',
    file: 'automation.ts',
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
]
