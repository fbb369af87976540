import type { NewAutomation } from './new-request.ts'

/** The widest line that the repository's format leaves whole. */
const LINE_MAX = 110

/** Makes the code of a new automation, in the repository's format. */
export function automationCode({ name, on, watch }: NewAutomation): string {
  const lists = [
    property('on', on.map(quoted)),
    property(
      'watch',
      watch.map(({ type, id }) => `{ ${type}: ${quoted(id)} }`),
    ),
  ]
  return `import { automation } from ${quoted('boxhooks')}

/** Describe here in a sentence what it is for. */
export default automation({
  name: ${quoted(name)},
${lists.join('\n')}
  async run({ event, log }) {
    // Next: take \`box\` from the context as well, and act on event.source here. An event can come
    // again, so let repeating it do no harm. docs/write-an-automation.md shows what there is, filters and retries too.
    log.info(\`ran for \${event.trigger}\`)
  },
})
`
}

/** Makes the test of a new automation: it runs for each of its triggers. */
export function testCode({ name, on, settings }: NewAutomation): string {
  const given = settings.length > 0 ? ', SETTINGS' : ''
  return `import { boxEvent, type Kit, startKit } from 'boxhooks/test'
import { afterAll, beforeAll, expect, test } from 'vitest'
import automation from ${quoted(`../../automations/${name}.ts`)}

${list('const TRIGGERS = ', on.map(quoted), '')}
${settings.length > 0 ? `${settingsCode(settings)}\n` : ''}let kit: Kit
beforeAll(async () => {
  kit = await startKit()
})
afterAll(() => kit.close())

test.each(TRIGGERS)('runs for %s', async trigger => {
  expect(await kit.run(automation, boxEvent(trigger)${given})).toEqual({ kind: 'done' })
  // Next: say what it has done. kit.box is the emulated Box, kit.calls has every call to its API.
  expect(kit.lines).toContainEqual(expect.objectContaining({ message: \`ran for \${trigger}\` }))
})
`
}

/** Makes a value for each setting that a watched id names; any value does. */
function settingsCode(settings: readonly string[]): string {
  const values = settings.map((setting, index) => `${setting}: ${quoted(String(100_001 + index))}`)
  const whole = `const SETTINGS = { ${values.join(', ')} }`
  if (whole.length <= LINE_MAX) return whole
  return ['const SETTINGS = {', ...values.map(value => `  ${value},`), '}'].join('\n')
}

/** Formats one value alone, several as a list. */
function property(name: string, values: readonly string[]): string {
  const [only = '', another] = values
  return another === undefined ? `  ${name}: ${only},` : list(`  ${name}: `, values, ',')
}

/** Formats a list on one line if it fits, else one line each. */
function list(before: string, values: readonly string[], after: string): string {
  const whole = `${before}[${values.join(', ')}]${after}`
  if (whole.length <= LINE_MAX) return whole
  const indent = /^ */.exec(before)?.[0] ?? ''
  return [`${before}[`, ...values.map(value => `${indent}  ${value},`), `${indent}]${after}`].join('\n')
}

/** Quotes text, which has no character that needs an escape. */
const quoted = (text: string): string => `'${text}'`
