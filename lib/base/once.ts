/**
 * What is made when it is first asked for, and kept.
 * @returns gives it; rejects with what `make` throws, and then the next who asks tries anew
 */
export function once<T>(make: () => T | Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= Promise.resolve()
      .then(make)
      .catch((error: unknown) => {
        made = undefined
        throw error
      })
    return made
  }
}
