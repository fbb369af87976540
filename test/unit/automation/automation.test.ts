import { describe, expect, test } from 'vitest'
import { automation, bindSettings } from '../../../lib/automation/automation.ts'
import { desiredWebhooks } from '../../../lib/webhooks/plan.ts'

const fine = { name: 'fine', on: 'FILE.DOWNLOADED', watch: { folder: '${A}' }, run() {} } as const
/** What automation() says to a declaration that no type would let pass. */
const said = (change: object): string => {
  try {
    Reflect.apply(automation, undefined, [{ ...fine, ...change }])
    return 'fine'
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  }
}

describe('a declaration', () => {
  test('is checked, completed and frozen', () => {
    const made = automation({ ...fine, settings: { B: 'what b is' }, retry: { attempts: 3 } })
    expect(made).toMatchObject({
      on: ['FILE.DOWNLOADED'],
      watch: [{ type: 'folder', id: '${A}' }],
      settings: { A: 'The folder that is watched.', B: 'what b is' },
      retry: { attempts: 3, baseSeconds: 5, capSeconds: 3600 },
    })
    expect(Object.isFrozen(made)).toBe(true)
  })

  test.each([
    [{ retries: 3 }, /there is no option "retries". Options are name, /],
    [{ name: 'Not Kebab' }, /kebab-case/],
    [{ name: undefined }, /kebab-case/],
    [{ name: 'constructor' }, /every object of JavaScript has/],
    [{ on: 'FILE.TELEPORTED' }, /no trigger "FILE.TELEPORTED"/],
    [{ on: 'toString' }, /no trigger "toString"/],
    [{ on: [] }, /names no trigger/],
    [
      { on: 'FILE.UPLOADED', watch: { file: '1' } },
      /FILE.UPLOADED can't be watched on a file, only on a folder/,
    ],
    [{ watch: {} }, /watch must be/],
    [{ watch: [] }, /watch names no target/],
    [{ watch: { folder: '1', file: '2' } }, /watch must be/],
    [{ watch: { folder: '${not ok}' } }, /must be named like REVIEW_FOLDER_ID/],
    [{ settings: { lower: 'x' } }, /must be named like/],
    [{ retry: { tries: 1 } }, /retry has no option "tries"/],
    [{ retry: { attempts: 0 } }, /attempts must be a whole number/],
    [{ retry: { baseSeconds: 10, capSeconds: 1 } }, /capSeconds/],
    [{ retry: { capSeconds: Number.POSITIVE_INFINITY } }, /at most 1209600/],
    [{ watch: [null] }, /watch must be/],
    [{ watch: 7 }, /watch must be/],
    [{ timeoutSeconds: 0 }, /timeoutSeconds/],
    [{ run: 'x' }, /run must be a function/],
    [{ when: true }, /when must be a function/],
  ])('%o is refused, naming what is wrong', (change, message) => {
    expect(said(change)).toMatch(message)
    expect(said(change)).toMatch(/^AutomationDeclarationError: Automation /)
  })
})

describe('settings', () => {
  test('fill in what is watched', () => {
    const [bound] = bindSettings([automation({ ...fine, settings: { B: 'b' } })], { A: '12', B: 'x', C: 'y' })
    expect(bound).toMatchObject({ watch: [{ type: 'folder', id: '12' }], settings: { A: '12', B: 'x' } })
    expect(bound?.settings).not.toHaveProperty('C')
  })

  test('that are missing are all named at once, with who needs them', () => {
    const two = [
      automation({ ...fine, settings: { B: 'what b is' } }),
      automation({ ...fine, name: 'other' }),
    ]
    expect(() => bindSettings(two, { B: '' })).toThrow(
      /A is missing, which the automation fine needs.*B is missing.*what b is.*A is missing, which the automation other needs/s,
    )
  })
})

test('webhooks are one per target, with the triggers of all automations together', () => {
  const make = (
    name: string,
    on: readonly ('FILE.LOCKED' | 'FILE.COPIED' | 'WEBHOOK.DELETED')[],
    ids: string[],
  ) => automation({ name, on, watch: ids.map(folder => ({ folder })), run() {} })
  expect(
    desiredWebhooks([
      make('a', ['FILE.LOCKED', 'WEBHOOK.DELETED'], ['1', '2']),
      make('b', ['FILE.LOCKED', 'FILE.COPIED'], ['2']),
      make('c', ['WEBHOOK.DELETED'], ['3']),
    ]),
  ).toEqual([
    { target: { type: 'folder', id: '1' }, triggers: ['FILE.LOCKED'] },
    { target: { type: 'folder', id: '2' }, triggers: ['FILE.COPIED', 'FILE.LOCKED'] },
  ])
})
