import { inject } from 'vitest'
import { type Packaged, packagedStage } from '../../infra/package.ts'

/** The stage local as the global setup has packaged it, once for all tests. */
export const packagedLocal = (): Promise<Packaged> => packagedStage('local', inject('manifest'))
