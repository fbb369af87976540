import fc from 'fast-check'

/** A place where data from outside comes in, with what must hold there for whatever comes. */
export type Boundary = {
  readonly name: string
  /** The share of a long run's cases, against the weights of the others. */
  readonly weight: number
  /** How many cases the thorough suite tries at once; the fast one tries a tenth of them. */
  readonly quickCases: number
  check(run: BoundaryRun): Promise<BoundaryResult>
}

export type BoundaryRun = {
  readonly cases: number
  readonly seed: number
  /** A failed case's path, to try just that one again. */
  readonly path?: string | undefined
}

export type BoundaryResult = {
  readonly cases: number
  readonly failure?: {
    readonly seed: number
    readonly path: string
    /** What was tried and what went wrong, shrunk. */
    readonly report: string
  }
}

type Size = { readonly weight: number; readonly quickCases: number }

/**
 * Declares a boundary.
 * @param holds throws where what must hold for a case does not
 */
export function boundary<T>(
  name: string,
  size: Size,
  cases: fc.Arbitrary<T>,
  holds: (one: T) => void,
): Boundary {
  return declared(name, size, fc.property(cases, holds))
}

/** Declares a boundary whose property takes promises. */
export function asyncBoundary<T>(
  name: string,
  size: Size,
  cases: fc.Arbitrary<T>,
  holds: (one: T) => Promise<void>,
): Boundary {
  return declared(name, size, fc.asyncProperty(cases, holds))
}

type Checkable<T> = fc.IProperty<[T]> | fc.IAsyncProperty<[T]>

function declared<T>(name: string, size: Size, property: Checkable<T>): Boundary {
  return {
    name,
    ...size,
    async check({ cases, seed, path }) {
      const details = await fc.check(property, {
        numRuns: cases,
        seed,
        ...(path === undefined ? {} : { path, endOnFailure: true }),
      })
      if (!details.failed) return { cases: details.numRuns }
      const { seed: failedSeed, counterexamplePath, errorInstance } = details
      const why = errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : ''
      const report = `${fc.defaultReportMessage(details) ?? ''}\n${why}`
      const failure = { seed: failedSeed, path: counterexamplePath ?? '', report }
      return { cases: details.numRuns, failure }
    },
  }
}
