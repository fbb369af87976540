import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLambda, LambdaFailure } from '../../../local/runtime/lambda.ts'
import { countedIds } from '../../support/counted-ids.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxhooks-'))
})
afterAll(() => rm(folder, { recursive: true }))

const newName = countedIds('bundle')
/** A function with this code as its handler's body. */
async function lambda(code: string, timeoutMs = 5000, more: { instancesMax?: number } = {}) {
  const bundle = join(folder, `${newName()}.mjs`)
  await writeFile(
    bundle,
    `let calls = 0; export const handler = async (event, context) => { calls += 1; ${code} }`,
  )
  const lines: string[] = []
  return {
    lines,
    ...createLambda({
      name: 'f',
      bundle,
      env: { NAME: 'value' },
      timeoutMs,
      onLine: line => lines.push(line),
      ...more,
    }),
  }
}

describe('the local Lambda', () => {
  test('gives the handler its event, context and environment, and keeps its instance', async () => {
    const f = await lambda(
      'return { event, calls, env: process.env, left: context.getRemainingTimeInMillis(), id: context.awsRequestId }',
    )
    expect(await f.invoke({ a: 1 })).toMatchObject({ event: { a: 1 }, calls: 1, env: { NAME: 'value' } })
    const { calls, left, env } = Object(await f.invoke(null))
    expect(calls).toBe(2)
    expect(left).toBeGreaterThan(0)
    expect(env).not.toHaveProperty('HOME')
    await f.close()
  })

  test('runs invocations at the same time in instances of their own', async () => {
    const f = await lambda('await new Promise(resolve => setImmediate(resolve)); return calls')
    expect(await Promise.all([f.invoke(1), f.invoke(2)])).toEqual([1, 1])
    await f.close()
  })

  test('lets an invocation wait where there may be no further instance, also after one that failed', async () => {
    const f = await lambda('if (event === 2) throw new Error("no"); return calls', 5000, { instancesMax: 1 })
    const [first, second, third] = await Promise.allSettled([f.invoke(1), f.invoke(2), f.invoke(3)])
    expect([first, second, third]).toMatchObject([{ value: 1 }, { status: 'rejected' }, { value: 3 }])
    await f.close()
  })

  test('gives an invocation the time that it is told to for now', async () => {
    const f = await lambda('return context.getRemainingTimeInMillis()', 60_000)
    f.limit(5000)
    expect(await f.invoke({})).toBeLessThanOrEqual(5000)
    f.limit(undefined)
    expect(await f.invoke({})).toBeGreaterThan(5000)
    await f.close()
  })

  test('fails with what the handler throws', async () => {
    const f = await lambda('throw new RangeError("no")')
    await expect(f.invoke({})).rejects.toThrow('f threw RangeError: no')
    await f.close()
  })

  test('ends a handler that takes too long, and starts anew after it', async () => {
    const f = await lambda('if (event.hang) await new Promise(() => {}); return calls')
    f.limit(200)
    await expect(f.invoke({ hang: true })).rejects.toThrow('timed out after 0.2 s')
    f.limit(undefined)
    expect(await f.invoke({})).toBe(1)
    await f.close()
  })

  test('can be killed in the middle, and starts anew after it', async () => {
    const f = await lambda(
      'if (event.hang) { console.log("hanging"); await new Promise(() => {}) } return calls',
    )
    const hanging = f.invoke({ hang: true })
    const failure = expect(hanging).rejects.toThrow(LambdaFailure)
    await expect.poll(() => f.lines).toContain('hanging')
    await f.kill()
    await failure
    expect(await f.invoke({})).toBe(1)
    await f.close()
  })

  test('a bundle that can’t be loaded fails its invocations with the reason', async () => {
    const bundle = join(folder, 'broken.mjs')
    await writeFile(bundle, 'throw new Error("broken at import")')
    const f = createLambda({ name: 'f', bundle, env: {}, timeoutMs: 5000 })
    await expect(f.invoke({})).rejects.toThrow('broken at import')
    await f.close()
  })

  test('an instance that dies between invocations is told of, and not used again', async () => {
    const f = await lambda(
      'if (event.leave) setTimeout(() => { throw new Error("too late") }, 300); return calls',
    )
    expect(await f.invoke({ leave: true })).toBe(1)
    const told = expect.stringContaining('could not go on: too late')
    await expect.poll(() => f.lines, { timeout: 10_000 }).toContainEqual(told)
    expect(await f.invoke({})).toBe(1)
    await f.close()
  })

  test('writes what an invocation failed of to its log, as Lambda does', async () => {
    const f = await lambda('console.log("about to"); throw new RangeError("no")')
    await expect(f.invoke({})).rejects.toThrow(LambdaFailure)
    await expect.poll(() => f.lines).toEqual(expect.arrayContaining(['about to', 'f threw RangeError: no']))
    await f.close()
  })

  test('another build takes over at the next invocation; one under way ends on the old build', async () => {
    const f = await lambda('if (event.wait) await new Promise(r => setTimeout(r, 50)); return "old"')
    const other = join(folder, 'other.mjs')
    await writeFile(other, 'export const handler = async () => "new"')
    const underWay = f.invoke({ wait: true })
    f.replace(other)
    expect(await f.invoke({})).toBe('new')
    expect(await underWay).toBe('old')
    expect(await f.invoke({})).toBe('new')
    await f.close()
  })

  test('every line is there when the result is, also from an instance that ends then', async () => {
    const f = await lambda(
      'for (let i = 0; i < 100; i += 1) { console.log(i); console.error(i) } return "done"',
    )
    const underWay = f.invoke({})
    f.replace(join(folder, 'none.mjs'))
    await underWay
    expect(f.lines).toHaveLength(200)
    await f.close()
  })

  test('closing waits for the invocation under way', async () => {
    const f = await lambda('await new Promise(r => setTimeout(r, 50)); return "done"')
    const underWay = f.invoke({})
    await f.close()
    expect(await underWay).toBe('done')
  })
})
