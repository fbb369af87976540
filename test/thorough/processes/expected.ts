/** What is to come of a file's download, by the word that its name begins with. The test's automations go by the same names. */
const KINDS = {
  plain: [],
  steps: ['three-steps'],
  stumbles: ['stumbles'],
  refused: ['refuses'],
  'steps-stumbles': ['three-steps', 'stumbles'],
  'steps-refused': ['three-steps', 'refuses'],
} as const satisfies Record<string, readonly (keyof typeof EFFECTS)[]>

/** Automation → what each of its effects is called; none where it fails for good. */
const EFFECTS = {
  single: ['call'],
  'three-steps': ['first', 'second', 'third'],
  stumbles: ['call'],
  refuses: [],
} as const satisfies Record<string, readonly string[]>

export type Kind = keyof typeof KINDS
type Name = keyof typeof EFFECTS

const KIND_LIST = ['steps', 'plain', 'stumbles', 'steps-refused', 'steps-stumbles', 'refused'] as const

/** What one event must have led to in the end, whatever happened on the way. */
export type Expected = {
  readonly event: 'done' | 'dead'
  /** Automation → its run's status. */
  readonly runs: Readonly<Record<string, 'done' | 'failed' | 'skipped'>>
  /** `automation:effect`, each of which Box must have seen. */
  readonly effects: readonly string[]
  /** The automations on the event's dead letter. */
  readonly deadLetter: readonly string[]
}

/** The kind of the event with this number; all kinds take turns. */
export const kindOf = (number: number): Kind => KIND_LIST[number % KIND_LIST.length] ?? 'plain'

/** Says what must come of an event, knowing nothing but its kind. */
export function expectedOf(kind: Kind): Expected {
  const special: readonly Name[] = KINDS[kind]
  const runs: readonly Name[] = ['single', ...special]
  const status = (name: Name) => (!runs.includes(name) ? 'skipped' : name === 'refuses' ? 'failed' : 'done')
  const names: readonly Name[] = ['single', 'three-steps', 'stumbles', 'refuses']
  return {
    event: runs.includes('refuses') ? 'dead' : 'done',
    runs: Object.fromEntries(names.map(name => [name, status(name)])),
    effects: runs.flatMap(name => EFFECTS[name].map(effect => `${name}:${effect}`)),
    deadLetter: runs.filter(name => name === 'refuses'),
  }
}
