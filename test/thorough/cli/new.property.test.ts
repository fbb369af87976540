import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readRequest } from '../../../cli/new/new-request.ts'
import { CommandError } from '../../../cli/terminal/command-error.ts'
import { isTrigger, type TargetType, TRIGGERS, type Trigger } from '../../../lib/event/event.ts'
import { scratchClone } from '../../support/scratch-clone.ts'

const fitting = (type: TargetType): Trigger[] =>
  Object.keys(TRIGGERS)
    .filter(isTrigger)
    .filter(name => {
      const { subscribable, targets }: { subscribable: boolean; targets: readonly TargetType[] } =
        TRIGGERS[name]
      return !subscribable || targets.includes(type)
    })
const part = fc.stringMatching(/^[a-z][a-z0-9]{0,12}$/)
const name = fc.array(part, { minLength: 1, maxLength: 4 }).map(parts => parts.join('-'))
const id = fc.oneof(
  fc.stringMatching(/^[1-9][0-9]{0,31}$/),
  fc.constantFrom('${REVIEW_FOLDER_ID}', '${ARCHIVE_FOLDER_ID}', '${ALLOWED_DOMAINS}'),
)
const request = fc.constantFrom<TargetType[]>('file', 'folder').chain(type =>
  fc.record({
    name: name.filter(one => !(one in Object.prototype)),
    on: fc.uniqueArray(fc.constantFrom(...fitting(type)), { minLength: 1, maxLength: 12 }),
    watch: fc.array(
      id.map(one => `${type}:${one}`),
      { minLength: 1, maxLength: 6 },
    ),
  }),
)

test('whatever fits is written so that lint, types and its own test pass', { timeout: 240_000 }, async () => {
  const seed = Number(process.env.NEW_SEED ?? Date.now() % 1_000_000)
  const requests = [
    ...fc.sample(request, { numRuns: 7, seed }),
    // Names that are words of the language, and every trigger in one.
    { name: 'new', on: ['FILE.MOVED'], watch: ['file:1'] },
    { name: `a-${'b'.repeat(62)}`, on: fitting('folder'), watch: ['folder:1'] },
  ].map((one, index) => (one.name.length > 60 || index > 6 ? one : { ...one, name: `${one.name}-${index}` }))
  const clone = await scratchClone()
  try {
    for (const { name, on, watch } of requests) {
      const words = [...on.flatMap(one => ['--on', one]), ...watch.flatMap(one => ['--watch', one])]
      const { code, err } = await clone.boxhooks('new', name, ...words)
      expect({ code, err }, `seed ${seed}: ${JSON.stringify({ name, words })}`).toEqual({ code: 0, err: '' })
    }
    const checked = await clone.tool('biome', 'check', '--error-on-warnings', '.')
    expect(checked.code, `seed ${seed}: ${checked.err}`).toBe(0)
    expect(await clone.tool('tsc', '--noEmit'), `seed ${seed}`).toEqual({ code: 0, out: '', err: '' })
    const tested = await clone.tests('test/automations')
    expect(tested.code, `seed ${seed}: ${tested.out}${tested.err}`).toBe(0)
  } finally {
    await clone.remove()
  }
})

const words = fc.record({
  name: fc.oneof(name, fc.string(), fc.constantFrom('constructor', '__proto__', '', 'a'.repeat(65))),
  on: fc.array(
    fc.oneof(
      fc.constantFrom(...Object.keys(TRIGGERS)),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('file.moved', 'toString', '__proto__', 'SIGN_REQUEST.SIGNER_SIGNED'),
    ),
    { minLength: 1, maxLength: 4 },
  ),
  watch: fc.array(
    fc.oneof(
      fc
        .tuple(fc.constantFrom('file', 'folder', 'web_link', ''), fc.oneof(id, fc.string()))
        .map(one => one.join(':')),
      fc.string(),
      fc.constantFrom('folder:0', 'folder:${a}', "folder:1'", 'folder:${A}${B}', 'file:1\n'),
    ),
    { minLength: 1, maxLength: 4 },
  ),
})

test('any words are refused in words, or leave only what may stand in code as it is', () => {
  fc.assert(
    fc.property(words, asked => {
      try {
        const { name, on, watch, settings } = readRequest(asked)
        expect(name).toMatch(/^[a-z][a-z0-9-]{0,63}$/)
        for (const trigger of on) expect(Object.hasOwn(TRIGGERS, trigger)).toBe(true)
        for (const { type, id } of watch) {
          expect(['file', 'folder']).toContain(type)
          expect(id).toMatch(/^(?:[1-9]\d{0,31}|\$\{[A-Z][A-Z0-9_]*\})$(?!\n)/)
          for (const trigger of on)
            if (TRIGGERS[trigger].subscribable) expect(fitting(type)).toContain(trigger)
        }
        for (const setting of settings) expect(watch.map(({ id }) => id)).toContain(`\${${setting}}`)
      } catch (error) {
        if (!(error instanceof CommandError)) throw error
        expect(error.message).toMatch(/^Nothing was written\.\n {2}(NAME|--on|--watch)/)
      }
    }),
    { numRuns: 2_000 },
  )
})
