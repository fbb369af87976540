import { registerHooks } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { MUTANTS, type Mutant } from './mutants.ts'

/** What came of a mutant: the first seed that found it and what that broke. */
export type Caught = { readonly name: string; readonly seeds: number; readonly invariant: string | undefined }

class MutantDoesNotFit extends Error {
  override readonly name = 'MutantDoesNotFit'
}

/** Puts the bug into its file as that is loaded. */
function mutate({ name, file, find, replace }: Mutant): void {
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

async function hunt(mutant: Mutant): Promise<Caught> {
  mutate(mutant)
  const [{ simulate }, { planOf }] = await Promise.all([import('./simulate.ts'), import('./plan.ts')])
  for (let seed = 1; seed <= mutant.seedsMax; seed += 1) {
    const plan = planOf(seed)
    const rates = { ...plan.rates, ...mutant.turnedUp }
    const { violations } = await simulate({ ...plan, rates, sdk: false }, { impatient: true })
    if (violations[0]) return { name: mutant.name, seeds: seed, invariant: violations[0].invariant }
  }
  return { name: mutant.name, seeds: mutant.seedsMax, invariant: undefined }
}

const mutant = MUTANTS.find(({ name }) => name === workerData)
if (parentPort && mutant) {
  Error.stackTraceLimit = 0
  parentPort.postMessage(await hunt(mutant))
  process.exit(0)
}
