import { registerHooks } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import type { Caught } from './hunt.ts'
import type { Edit, Mutant } from './mutant.ts'
import { MUTANTS } from './mutants.ts'

class MutantDoesNotFit extends Error {
  override readonly name = 'MutantDoesNotFit'
}

/** Puts an edit of the bug into its file as that is loaded. */
function mutate(name: string, { file, find, replace }: Edit): void {
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      if (!url.endsWith(`/lib/${file}`)) return loaded
      const source =
        typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source)
      if (source.split(find).length !== 2)
        throw new MutantDoesNotFit(`"${name}" must find its text once in lib/${file}: the code has changed.`)
      return { ...loaded, source: source.replace(find, () => replace) }
    },
  })
}

async function find(mutant: Mutant): Promise<Caught> {
  mutate(mutant.name, mutant)
  if (mutant.and) mutate(mutant.name, mutant.and)
  const [{ simulate }, { planOf }] = await Promise.all([import('./simulate.ts'), import('./plan.ts')])
  for (let seed = 1; seed <= mutant.seedsMax; seed += 1) {
    const plan = { ...planOf(seed), ...mutant.plan }
    const rates = { ...plan.rates, ...mutant.turnedUp }
    const times = { ...plan.times, ...mutant.times }
    const { violations } = await simulate({ ...plan, rates, times, sdk: false }, { impatient: true })
    const broken = violations.find(({ invariant }) => invariant === (mutant.breaks ?? invariant))
    if (broken) return { name: mutant.name, seeds: seed, invariant: broken.invariant }
  }
  return { name: mutant.name, seeds: mutant.seedsMax, invariant: undefined }
}

const mutant = MUTANTS.find(({ name }) => name === workerData)
if (parentPort && mutant) {
  Error.stackTraceLimit = 0
  parentPort.postMessage(await find(mutant))
  process.exit(0)
}
