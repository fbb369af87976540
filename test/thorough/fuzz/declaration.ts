import assert from 'node:assert/strict'
import fc from 'fast-check'
import { AutomationDeclarationError, automation, bindSettings } from '../../../lib/automation/automation.ts'
import { ConfigError } from '../../../lib/base/environment.ts'
import { decideRetry } from '../../../lib/base/retry.ts'
import { boundary } from './boundary.ts'
import { triggerName } from './payloads.ts'

const json = fc.jsonValue({ maxDepth: 1 })
const orJson = (usual: fc.Arbitrary<unknown>) => fc.oneof({ weight: 5, arbitrary: usual }, json)
const number = fc.oneof(
  fc.integer({ min: -2, max: 50 }),
  fc.double(),
  fc.constantFrom(0, Number.NaN, Number.POSITIVE_INFINITY),
)
const watch = orJson(
  fc.oneof(
    fc.record({ folder: orJson(fc.constantFrom('1', '${REVIEW_FOLDER_ID}', '${}', '${a}', '')) }),
    fc.record({ file: fc.constantFrom('1', '${A_FILE}') }),
    fc.record({ folder: fc.constant('1'), file: fc.constant('2') }),
  ),
)
const run = fc.constant(() => {})
const declaration = fc.record(
  {
    name: orJson(
      fc.constantFrom('remove-link', 'a', 'A', 'constructor', '__proto__', 'a--b', 'x'.repeat(65)),
    ),
    description: fc.string(),
    on: orJson(fc.oneof(triggerName, fc.array(triggerName, { maxLength: 3 }))),
    watch: fc.oneof(watch, fc.array(watch, { maxLength: 3 })),
    settings: orJson(fc.dictionary(fc.constantFrom('REVIEW_FOLDER_ID', 'x', '__proto__'), fc.string())),
    retry: orJson(
      fc.record(
        { attempts: number, baseSeconds: number, capSeconds: number, tries: number },
        { requiredKeys: [] },
      ),
    ),
    timeoutSeconds: orJson(number),
    when: orJson(run),
    run: orJson(run),
    nonsense: json,
  },
  { requiredKeys: ['name', 'on', 'watch', 'run'], noNullPrototype: true },
)

/** Any declaration becomes an automation that can be bound and retried, or an error that says what is wrong with it. */
export const declarations = boundary('declarations', { weight: 3, quickCases: 1000 }, declaration, given => {
  let declared: ReturnType<typeof automation>
  try {
    // What an author without types writes; the point is that any of it is checked.
    declared = Reflect.apply(automation, undefined, [given])
  } catch (error) {
    assert.ok(
      error instanceof AutomationDeclarationError,
      `what is wrong is told as such, not as ${String(error)}`,
    )
    return assert.match(error.message, /^Automation .*: .{20,}/s)
  }
  assert.match(declared.name, /^[a-z][a-z0-9-]*$/)
  assert.ok(declared.on.length > 0 && declared.watch.length > 0)
  assert.throws(() => {
    if (Object.keys(declared.settings).length === 0) throw new ConfigError([])
    bindSettings([declared], {})
  }, ConfigError)
  const env = Object.fromEntries(Object.keys(declared.settings).map(name => [name, '7']))
  for (const { id } of bindSettings([declared], env)[0]?.watch ?? [])
    assert.ok(id !== '' && !id.includes('${'))
  const failure = { class: 'transient', code: 'network', message: '' } as const
  const random = () => 0.999
  const decision = decideRetry({ failure, policy: declared.retry, attempts: 0, throttles: 0, random })
  assert.ok(decision.kind === 'retry' && Number.isFinite(decision.delaySeconds), 'the ledger takes the wait')
})
