import { randomUUID } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { ROOT } from '../../../infra/build/bundle.ts'
import { readStageParams } from '../../../infra/stage/stage-params.ts'
import { isObject } from '../../../lib/base/json.ts'
import { runs } from '../../support/seed.ts'

const folder = join(ROOT, '.boxhooks', `params-${randomUUID()}`)
const file = join(folder, 'serverless.yml')
beforeAll(() => mkdir(folder, { recursive: true }))
afterAll(() => rm(folder, { recursive: true }))

type Block = Readonly<Record<string, unknown>> | null

/** What osls itself finds, by its own code. */
async function oslsValue(params: unknown, stage: string, address: string): Promise<unknown> {
  const sourceOf: (serverless: object) => { resolve(asked: object): Promise<unknown> } = createRequire(
    import.meta.url,
  )(join(ROOT, 'node_modules/osls/lib/configuration/variables/sources/instance-dependent/param.js'))
  const source = sourceOf({ configurationInput: { params }, processedInput: { options: {} } })
  const found = await source.resolve({ address, options: { stage } })
  return isObject(found) ? found.value : undefined
}

const value = fc.oneof(
  fc.constantFrom(null, '', ' ', '0', 0, false, '${env:HOME}', 'a ${self:service} b'),
  fc.string(),
)
const names = fc.constantFrom('A', 'B', 'CONSTRUCTOR', 'constructor', '__proto__')
const block: fc.Arbitrary<Block> = fc.option(fc.dictionary(names, value))
const world = fc.record({ default: block, dev: block, prod: block }, { requiredKeys: [] })

test('whether a stage has a value for a param is what osls would find', async () => {
  await fc.assert(
    fc.asyncProperty(
      world,
      fc.constantFrom('dev', 'prod', 'other', 'default'),
      names,
      async (params, stage, name) => {
        await writeFile(file, stringify({ service: 'x', params }))
        const found = await oslsValue(params, stage, name)
        const text = found === null || found === undefined ? '' : String(found).trim()
        const expected = text === '' ? 'missing' : text.includes('${') ? 'variable' : 'set'
        expect((await readStageParams(stage, file))(name)).toBe(expected)
      },
    ),
    runs(200),
  )
})

test.each([
  ['params: ${file(params.yml)}', 'variable'],
  ['params:\n  dev: ${file(dev.yml)}', 'variable'],
  ['params:\n  dev: &dev\n    A: "1"\n  prod:\n    <<: *dev', 'set'],
  ['service: boxhooks', 'missing'],
  ['a: !Ref Queue\nparams:\n  default:\n    A: 1', 'set'],
])('%j gives the param A of prod or dev: %s', async (yaml, expected) => {
  await writeFile(file, yaml)
  const stage = yaml.includes('prod') ? 'prod' : 'dev'
  expect((await readStageParams(stage, file))('A')).toBe(expected)
})
