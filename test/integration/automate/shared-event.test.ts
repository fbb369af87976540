import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Automation, automation } from '../../../lib/automation/automation.ts'
import { freezeDeep, isObject } from '../../../lib/base/json.ts'
import { type Embedded, startEmbedded } from '../../support/embedded.ts'
import { createEngine } from '../../support/engine.ts'

let embedded: Embedded
beforeAll(async () => {
  embedded = await startEmbedded()
})
afterAll(() => embedded.stop())

const declare = (name: string, more: Pick<Automation, 'run'> & Partial<Pick<Automation, 'when'>>) =>
  automation({ name, on: 'FILE.LOCKED', watch: { folder: '100001' }, ...more })

/** Does what the types forbid. */
const spoil = (value: unknown): void => {
  if (isObject(value)) Object.assign(value, { id: '666', name: 'spoilt' })
}

describe('an event that several automations get', () => {
  const code = (run: Automation['run']) => declare('a-spoils', { run })
  test.each<[string, Automation]>([
    ['code', code(({ event }) => spoil(event.source))],
    ['code, deep within it,', code(({ event }) => spoil(Reflect.get(event.source, 'path_collection')))],
    [
      'filter',
      declare('a-spoils', {
        when(event) {
          spoil(event.source)
          return true
        },
        run() {},
      }),
    ],
  ])('is the same for the next one whatever the %s of the first does to it', async (_, first) => {
    const seen: string[] = []
    const second = declare('b-sees', { run: ({ event }) => void seen.push(JSON.stringify(event)) })
    const engine = await createEngine(embedded, [first, second])
    const id = await engine.send('FILE.LOCKED')
    await engine.work()
    expect(seen).toHaveLength(1)
    expect(seen[0]).not.toMatch(/666|spoilt/)
    expect((await engine.record(id))?.runs).toMatchObject({
      'a-spoils': { status: 'failed', error: { code: 'automation_bug' } },
      'b-sees': { status: 'done' },
    })
  })

  test('and its settings are the same for the next event', async () => {
    const spoils = declare('a-spoils', {
      run: ({ settings }) => void Object.assign(settings, { LEFT: 'behind' }),
    })
    const engine = await createEngine(embedded, [spoils])
    const id = await engine.send('FILE.LOCKED')
    await engine.work()
    expect((await engine.record(id))?.runs).toMatchObject({
      'a-spoils': { error: { code: 'automation_bug' } },
    })
  })
})

test('whatever is frozen is frozen down to its last field, and stays what it is', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const frozen = freezeDeep(JSON.parse(JSON.stringify(value)))
      expect(frozen).toEqual(JSON.parse(JSON.stringify(value)))
      const visit = (one: unknown): void => {
        if (typeof one !== 'object' || one === null) return
        expect(Object.isFrozen(one)).toBe(true)
        for (const inner of Object.values(one)) visit(inner)
      }
      visit(frozen)
    }),
    { seed: 16 },
  )
  const nested = '['.repeat(100_000) + ']'.repeat(100_000)
  expect(Object.isFrozen(freezeDeep(JSON.parse(nested)))).toBe(true)
})
