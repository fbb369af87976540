/**
 * The environments of automate, reconcile and backfill: what the engine needs, and every setting that an automation declares, with
 * its stage's value from the params in serverless.yml. Read by osls.
 */
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { endpoints } = require('./endpoints.cjs')
const { logSample } = require('./log-sample.cjs')
const { logging } = require('./logging.cjs')
const { refusal } = require('./refusal.cjs')
const { version } = require('./version.cjs')

const SHARED = {
  LEDGER_TABLE: { Ref: 'LedgerTable' },
  BOX_APP_SECRET_ID: { Ref: 'BoxAppSecret' },
}
const AUTOMATE = {
  ...SHARED,
  QUEUE_URL: { Ref: 'Queue' },
  DEAD_LETTER_QUEUE_URL: { Ref: 'DeadLetterQueue' },
  RECONCILE_QUEUE_URL: { Ref: 'ReconcileQueue' },
}

/** What the engine, Lambda or Node reads from the environment. */
const RESERVED = new Set([
  ...Object.keys(AUTOMATE),
  'AUTOMATE_CONCURRENCY',
  'BOX_API_URL',
  'LOG_DETAILS',
  'LOG_LEVEL',
  'LOG_SAMPLE_RATE',
  'METRICS',
  'METRICS_NAMESPACE',
  'HOME',
  'LANG',
  'LD_LIBRARY_PATH',
  'PATH',
  'TZ',
  'WEBHOOK_ADDRESS',
])
const RESERVED_PREFIX = /^(AWS|BOXHOOKS|LAMBDA|NODE)_/

exports.automate = async ({ resolveVariable }) => ({
  ...AUTOMATE,
  BOXHOOKS_VERSION: version(),
  AUTOMATE_CONCURRENCY: String(await resolveVariable('param:automateEvents')),
  ...(await logging(resolveVariable)),
  ...(await logSample(resolveVariable)),
  ...(await settings(resolveVariable)),
  ...(await endpoints(resolveVariable)),
})

exports.backfill = async ({ resolveVariable }) => ({
  ...SHARED,
  QUEUE_URL: AUTOMATE.QUEUE_URL,
  BOXHOOKS_VERSION: version(),
  ...(await logging(resolveVariable)),
  ...(await settings(resolveVariable)),
  ...(await endpoints(resolveVariable)),
})

exports.reconcile = async ({ resolveVariable }) => {
  const domainName = await resolveVariable('param:domainName')
  return {
    ...SHARED,
    BOXHOOKS_VERSION: version(),
    WEBHOOK_ADDRESS: domainName ? `https://${domainName}/box/webhook` : API_ADDRESS,
    ...(await logging(resolveVariable)),
    ...(await settings(resolveVariable)),
    ...(await endpoints(resolveVariable)),
  }
}

const API_ADDRESS = {
  'Fn::Sub': 'https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/box/webhook',
}

/** Every setting that an automation declares, with its value. */
async function settings(resolveVariable) {
  const stage = await resolveVariable('sls:stage')
  const environment = {}
  const missing = []
  for (const [setting, { meaning, automations }] of declaredSettings()) {
    if (RESERVED_PREFIX.test(setting) || RESERVED.has(setting))
      throw refusal(
        `The setting ${setting} of ${automations.join(', ')} has a name that boxhooks, AWS or Node itself reads. Choose another.`,
      )
    const value = await param(resolveVariable, setting)
    if (value) environment[setting] = value
    else missing.push(`  ${setting}: ${meaning} Needed by ${automations.join(', ')}.`)
  }
  if (missing.length > 0)
    throw refusal(
      [
        `Stage ${stage} lacks settings that automations need:`,
        ...missing,
        `Write them into serverless.yml under params.${stage}, or pass --param="NAME=value".`,
      ].join('\n'),
    )
  return environment
}

/** Every setting with what it means, as the first automation that needs it says, and all that need it. */
function declaredSettings() {
  const declared = new Map()
  for (const { name, settings } of manifest()) {
    for (const [setting, meaning] of Object.entries(settings)) {
      const known = declared.get(setting) ?? { meaning, automations: [] }
      declared.set(setting, { meaning: known.meaning, automations: [...known.automations, name] })
    }
  }
  return declared
}

function manifest() {
  const file = join(process.cwd(), 'dist', 'automations.json')
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw refusal('The bundles are not built. Run `npm run package`, which builds them first.', { cause })
  }
}

async function param(resolveVariable, name) {
  try {
    const value = await resolveVariable(`param:${name}`)
    return value === null || value === undefined ? '' : String(value).trim()
  } catch (error) {
    if (error.code === 'MISSING_VARIABLE_DEPENDENCY') throw error
    return ''
  }
}
