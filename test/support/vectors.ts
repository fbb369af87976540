export type SignatureVectors = {
  readonly primaryKey: string
  readonly secondaryKey: string
  readonly vectors: readonly {
    readonly name: string
    readonly body: string
    readonly headers: Readonly<Record<string, string>>
  }[]
}

/** Reads Box's published signature vectors, which are ours to trust: the file lies beside the tests. */
export const signatureVectors = (json: string): SignatureVectors => JSON.parse(json)
