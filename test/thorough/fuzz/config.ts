import assert from 'node:assert/strict'
import fc from 'fast-check'
import { automateConfig } from '../../../lib/automate/automate-function.ts'
import { backfillConfig } from '../../../lib/backfill/backfill-function.ts'
import { ConfigError } from '../../../lib/base/environment.ts'
import { ingestConfig } from '../../../lib/ingest/ingest-function.ts'
import { reconcileConfig } from '../../../lib/webhooks/reconcile-function.ts'
import { boundary } from './boundary.ts'

const CANARY = 'zQ7-canary'

const url = fc.oneof(
  fc.webUrl(),
  fc.constantFrom('https://sqs.example/q/', 'ftp://x', 'javascript:1', 'http://'),
)
const number = fc.oneof(fc.integer(), fc.double()).map(String)
const value = fc.oneof(
  url,
  number,
  fc.string({ maxLength: 10 }).map(more => CANARY + more),
  fc.constantFrom('', ' ', 'DEBUG', 'info', '0', '600', '1e400', '-0', 'NaN', '__proto__'),
)
const usual: Readonly<Record<string, fc.Arbitrary<string>>> = {
  QUEUE_URL: url,
  DEAD_LETTER_QUEUE_URL: url,
  SIGNATURE_KEYS_SECRET_ID: fc.constant('keys'),
  BOX_APP_SECRET_ID: fc.constant('app'),
  LEDGER_TABLE: fc.constant('ledger'),
  BOX_API_URL: url,
  RECONCILE_QUEUE_URL: url,
  WEBHOOK_ADDRESS: url,
  SIGNATURE_AGE_MAX_SECONDS: number,
  SIGNATURE_SKEW_MAX_SECONDS: number,
  AUTOMATE_CONCURRENCY: number,
  LOG_LEVEL: fc.constantFrom('debug', 'info', 'warn', 'error', 'INFO'),
}
const environment = fc.record(
  Object.fromEntries(
    Object.entries(usual).map(([name, right]) => [name, fc.oneof({ weight: 3, arbitrary: right }, value)]),
  ),
  { requiredKeys: [] },
)

/** Any environment is either usable settings or an error that names the variables, and never their values. */
export const environments = boundary('environments', { weight: 4, quickCases: 1500 }, environment, env => {
  for (const read of [ingestConfig, automateConfig, reconcileConfig, backfillConfig]) {
    let config: object
    try {
      config = read(env)
    } catch (error) {
      assert.ok(error instanceof ConfigError)
      assert.match(error.message, /[A-Z]+_[A-Z_]+ (is|must be)/)
      assert.ok(!error.message.includes(CANARY), 'no value is told')
      continue
    }
    for (const [name, setting] of Object.entries(config)) {
      if (/Url$|^address$/.test(name) && setting !== undefined) assert.match(String(setting), /^https?:\/\//i)
      if (typeof setting === 'number') assert.ok(Number.isSafeInteger(setting) && setting >= 0, name)
      if (typeof setting === 'string') assert.notEqual(setting, '', name)
    }
  }
})
