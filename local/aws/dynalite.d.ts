declare module 'dynalite' {
  import type { Server } from 'node:http'

  /** Makes a DynamoDB server in memory; it has no types of its own. */
  const dynalite: (options?: { createTableMs?: number; deleteTableMs?: number }) => Server
  export default dynalite
}
