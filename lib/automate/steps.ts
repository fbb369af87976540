import type { StepResult } from '../automation/automation.ts'
import { PermanentError } from '../base/errors.ts'
import { RecordFull } from '../ledger/ledger.ts'
import { bytesOf, ENTRY_BYTES } from '../ledger/record-room.ts'

/** The largest result of a step, in bytes of JSON; less where very many runs share the record of one event. */
const STEP_BYTES_MAX = 16_384

/** The longest name of a step, in characters. */
const NAME_LENGTH_MAX = 256

/** Begins what is kept of a step that was done and whose result can't be kept; no JSON text begins so. */
const UNKEPT = '!'

/** A step that the engine does not do, or whose result it can't give back; the run can't be done without. */
export class StepRefused extends PermanentError {}

export type StepsOptions = {
  readonly automation: string
  /** What this attempt and those before have kept, by name; a step that is done is added. */
  readonly kept: Record<string, string>
  /** What all of them may keep together, in bytes. */
  readonly bytesMax: number
  /** Keeps a result in the ledger. @throws RecordFull where the record can't hold it */
  readonly keep: (name: string, json: string) => Promise<void>
}

/**
 * Makes the function that does each step of one attempt at most once.
 * @returns a function that throws StepRefused on a name that is bad or used twice, where there is no room for a
 *   result, and where a result was too large; it throws what the step's own function throws
 */
export function stepsOf({ automation, kept, bytesMax, keep }: StepsOptions) {
  const named = new Set<string>()
  const resultBytesMax = Math.min(STEP_BYTES_MAX, Math.floor(bytesMax / 4))
  return async <R extends StepResult>(name: string, fn: () => R | Promise<R>): Promise<R> => {
    checkName(name)
    if (named.has(name))
      throw new StepRefused(
        `The step ${JSON.stringify(name)} is used twice in ${automation}. Name each step differently, with a counter in a loop.`,
      )
    named.add(name)
    const earlier = Object.hasOwn(kept, name) ? kept[name] : undefined
    if (earlier !== undefined) return resultOf(name, earlier)

    const used = bytesOf(kept)
    if (used + Buffer.byteLength(name) + resultBytesMax + ENTRY_BYTES > bytesMax)
      throw new StepRefused(
        `There is no room for the result of step ${JSON.stringify(name)}: this run's steps keep ${used} bytes and may keep ${bytesMax}, as all runs of an event share one record. Keep ids instead of the things themselves.`,
      )
    const text = textOf(await fn(), resultBytesMax)
    // First here: where the ledger does not take it now, or its answer is lost, the attempt's outcome brings it along.
    kept[name] = text
    try {
      await keep(name, text)
    } catch (error) {
      if (error instanceof RecordFull) kept[name] = `${UNKEPT}has no room in the ledger's record`
      throw error
    }
    return resultOf(name, text)
  }
}

function checkName(name: unknown): void {
  if (typeof name !== 'string' || name === '' || name.length > NAME_LENGTH_MAX || !name.isWellFormed())
    throw new StepRefused(
      `A step's name must be a text of 1 to ${NAME_LENGTH_MAX} characters, not ${describe(name)}. Name the step.`,
    )
  if (name in Object.prototype)
    throw new StepRefused(
      `A step can't be named ${JSON.stringify(name)}: every object of JavaScript has that. Choose another name.`,
    )
}

const describe = (name: unknown): string =>
  typeof name === 'string' ? `one of ${name.length} characters` : `a value of type ${typeof name}`

/** `undefined` has no JSON text; the empty text stands for it. */
function textOf(result: unknown, bytesMax: number): string {
  try {
    const json = JSON.stringify(result) ?? ''
    const bytes = Buffer.byteLength(json)
    return bytes > bytesMax ? `${UNKEPT}has ${bytes} bytes of JSON, and at most ${bytesMax} are kept` : json
  } catch {
    return `${UNKEPT}can't be written as JSON`
  }
}

function resultOf(name: string, text: string) {
  if (text.startsWith(UNKEPT))
    throw new StepRefused(
      `The step ${JSON.stringify(name)} was done, but its result ${text.slice(1)}. The step is not repeated under this name. Return an id instead of the thing itself, or nothing.`,
    )
  return text === '' ? undefined : JSON.parse(text)
}
