import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../../../infra/build/bundle.ts'
import { watchSources } from '../../../local/reload.ts'

test('a changed automation is loaded; one that does not build leaves the old ones and says why', {
  timeout: 200_000,
}, async () => {
  await mkdir(join(ROOT, '.boxhooks'), { recursive: true })
  const project = await mkdtemp(join(ROOT, '.boxhooks', 'watched-'))
  await mkdir(join(project, 'automations'))
  await writeFile(join(project, 'serverless.yml'), 'service: watched\n')
  const file = join(project, 'automations', 'one.ts')
  const write = (name: string) =>
    writeFile(
      file,
      `import { automation } from 'boxhooks'
      export default automation({ name: '${name}', on: 'FILE.MOVED', watch: { folder: '1' }, run() {} })`,
    )
  const lines: string[] = []
  const loaded: string[][] = []
  const replace = async (_: string, manifest: readonly { name: string }[]) =>
    void loaded.push(manifest.map(({ name }) => name))
  const watching = watchSources({ replace }, line => lines.push(line), project)
  await write('first')
  await expect.poll(() => loaded, { timeout: 60_000 }).toEqual([['first']])
  await writeFile(file, 'export default 5 +')
  const broken = expect.stringMatching(
    /one\.ts changed, but what was loaded before stays: .*does not compile/s,
  )
  await expect.poll(() => lines, { timeout: 60_000 }).toContainEqual(broken)
  await write('second')
  await expect.poll(() => loaded, { timeout: 60_000 }).toEqual([['first'], ['second']])
  await watching.close()
  await rm(project, { recursive: true })
})
