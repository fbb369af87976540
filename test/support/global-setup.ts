import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { ROOT } from '../../infra/bundle.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where this run's test files leave for each other what they have packaged; see packaged.ts. */
    packagedIn: string
  }
}

const packagedIn = join(ROOT, '.boxhooks', `test-run-${process.pid}-${Date.now()}`)

export default function setup(project: TestProject): () => Promise<void> {
  project.provide('packagedIn', packagedIn)
  return () => rm(`${packagedIn}.json`, { force: true })
}
