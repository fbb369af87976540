import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from '../../infra/build/bundle.ts'

const SCRIPTS = {
  biome: '@biomejs/biome/bin/biome',
  knip: 'knip/bin/knip.js',
  tsc: 'typescript/bin/tsc',
  vitest: 'vitest/vitest.mjs',
} as const

export type Tool = keyof typeof SCRIPTS

/** Returns the path of a tool's script, which this Node can run on any system, with no shell and no `.cmd` file. */
export function scriptOf(tool: Tool): string {
  return join(ROOT, 'node_modules', SCRIPTS[tool])
}

/**
 * Runs a tool in the repository and shows what it prints.
 * @returns its exit code; 1 when a signal ended it
 */
export function runTool(tool: Tool, args: readonly string[], env: Record<string, string> = {}): number {
  const { status } = spawnSync(process.execPath, [scriptOf(tool), ...args], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  return status ?? 1
}
