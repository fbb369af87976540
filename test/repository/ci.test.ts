import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { ROOT } from '../../infra/build/bundle.ts'
import { isObject } from '../../lib/base/json.ts'

const text = (file: string) => readFileSync(join(ROOT, file), 'utf8')

describe.each(globSync('.github/workflows/*.yml', { cwd: ROOT }))('%s', file => {
  test('pins every action to a commit and names its version', () => {
    const uses = text(file).match(/uses: .*/g) ?? []
    expect(uses.length).toBeGreaterThan(0)
    for (const action of uses) expect(action).toMatch(/^uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  test('may only read the repository, and ends every job in time', () => {
    const workflow: unknown = parse(text(file))
    if (!isObject(workflow) || !isObject(workflow.jobs)) throw new TypeError(`${file} has no jobs.`)
    expect(workflow.permissions).toEqual({ contents: 'read' })
    for (const [name, job] of Object.entries(workflow.jobs)) {
      expect(job, name).not.toHaveProperty('permissions')
      expect(job, name).toHaveProperty('timeout-minutes')
    }
  })
})

test('the docs name only scripts that package.json has', () => {
  const manifest: unknown = JSON.parse(text('package.json'))
  const scripts = isObject(manifest) && isObject(manifest.scripts) ? Object.keys(manifest.scripts) : []
  for (const file of globSync(['*.md', 'docs/*.md', '.github/**/*.md'], { cwd: ROOT }))
    for (const [, script] of text(file).matchAll(/\bnpm run ([\w:-]+)/g))
      expect(scripts, `${file}: npm run ${script}`).toContain(script)
})
