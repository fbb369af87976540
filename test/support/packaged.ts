import { inject } from 'vitest'
import { EXAMPLES } from '../../infra/bundle.ts'
import { type Packaged, packagedStage } from '../../infra/package.ts'

/** The stage local as the global setup has packaged it, once for all tests. */
export const packagedLocal = (): Promise<Packaged> =>
  packagedStage({ stage: 'local', project: EXAMPLES, manifest: inject('manifest') })
