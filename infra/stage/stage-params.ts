import { readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { ExpectedError } from '../../lib/base/expected-error.ts'
import { isObject } from '../../lib/base/json.ts'
import { ROOT } from '../build/bundle.ts'

/** `variable`: serverless.yml takes the value from elsewhere, so only packaging tells whether there is one. */
export type ParamState = 'set' | 'missing' | 'variable'

/**
 * Reads serverless.yml, and says of a param whether a stage has a value for it, as osls would find it.
 * @param stage `dev`, for example; a stage that has no params of its own has the default ones
 * @param file another than this repository's serverless.yml
 * @throws ExpectedError
 * @see https://www.serverless.com/framework/docs/guides/parameters
 */
export async function readStageParams(
  stage: string,
  file: string = join(ROOT, 'serverless.yml'),
): Promise<(name: string) => ParamState> {
  const paramOf = await readValues(stage, file)
  return name => stateOf(paramOf(name))
}

/**
 * Reads serverless.yml, and says which value a stage has for a param.
 * @returns undefined for a param without a value, and for one whose value comes from elsewhere
 * @throws ExpectedError
 */
export async function readStageValues(
  stage: string,
  file: string = join(ROOT, 'serverless.yml'),
): Promise<(name: string) => string | undefined> {
  const paramOf = await readValues(stage, file)
  return name => (stateOf(paramOf(name)) === 'set' ? String(paramOf(name)) : undefined)
}

async function readValues(stage: string, file: string): Promise<(name: string) => unknown> {
  const service = await readService(file)
  const params = isObject(service) ? service.params : undefined
  if (!isObject(params)) return () => (isVariable(params) ? params : undefined)
  const blocks = await Promise.all(
    [stage, 'default'].map(name => blockOf(ownValue(params, name), dirname(file))),
  )
  return name => {
    // A null is no value, and leaves it to the next block; an empty text is one, and hides it.
    for (const block of blocks) {
      if (isVariable(block)) return block
      const value = isObject(block) ? (ownValue(block, name) ?? undefined) : undefined
      if (value !== undefined) return value
    }
    return undefined
  }
}

/** A block of params, also where it is the whole of another file, as osls reads it in. */
async function blockOf(block: unknown, folder: string): Promise<unknown> {
  const [, path] = (typeof block === 'string' && /^\$\{file\(([^${}():]+\.ya?ml)\)\}$/.exec(block)) || []
  return path === undefined ? block : readService(resolve(folder, path)).catch(() => block)
}

async function readService(file: string): Promise<unknown> {
  try {
    // CloudFormation's short forms, such as !Ref, are tags that this need not know.
    return parse(await readFile(file, 'utf8'), { logLevel: 'error', merge: true })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ExpectedError(
      `${basename(file)} can't be read, so nothing tells which settings have values: ${reason}`,
      { cause },
    )
  }
}

const ownValue = (object: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined

const isVariable = (value: unknown): boolean => typeof value === 'string' && value.includes('${')

function stateOf(value: unknown): ParamState {
  if (isVariable(value)) return 'variable'
  return value === undefined || String(value).trim() === '' ? 'missing' : 'set'
}
