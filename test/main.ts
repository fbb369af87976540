import { spawnSync } from 'node:child_process'

/**
 * Checks, types and tests everything; arguments are passed on to vitest. With `--seed N` it only runs that seed of the
 * simulation again.
 */
function main(args: readonly string[]): number {
  const at = args.indexOf('--seed')
  if (at >= 0) {
    const seed = args[at + 1] ?? ''
    if (!/^\d+$/.test(seed)) {
      console.error('--seed must be followed by the number of a seed, as a failing run prints it.')
      return 2
    }
    const rest = [...args.slice(0, at), ...args.slice(at + 2)]
    return run(['vitest', 'run', 'test/simulation/simulation.test.ts', ...rest], { SIMULATION_SEED: seed })
  }
  const steps = [
    ['biome', 'check', '--error-on-warnings', '.'],
    ['tsc', '--noEmit'],
    ['tsc', '--noEmit', '--project', 'local/inspector/page'],
    ['vitest', 'run', ...args],
  ]
  for (const step of steps) {
    const code = run(step)
    if (code !== 0) return code
  }
  return 0
}

function run([command = '', ...args]: readonly string[], env: Record<string, string> = {}): number {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  if (error)
    console.error(`${command} could not be started: ${error.message}. Run npm ci, and this through npm test.`)
  return status ?? 1
}

process.exit(main(process.argv.slice(2)))
