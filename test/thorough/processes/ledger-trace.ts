import type { IncomingMessage, Server } from 'node:http'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import { isObject, parseObject } from '../../../lib/base/json.ts'
import type { ChildMessage } from './channel.ts'

/** A write to the ledger that DynamoDB has taken. */
export type LedgerWrite = {
  readonly eventId: string
  /** Whose it is: each worker has an access key of its own. */
  readonly worker: string
  /** When DynamoDB had answered it, in milliseconds since the epoch. */
  readonly at: number
  /** Present where the write claims the event: until when, in milliseconds since the epoch; 0 where it holds nothing. */
  readonly claimedUntil?: number
  /** Present where the event's status is written. */
  readonly status?: string
  /** Automation → the status that its run is given. */
  readonly runs: Readonly<Record<string, string>>
  /** `automation:step` of each step that is kept, now or still. */
  readonly steps: readonly string[]
}

/** Reads along what a DynamoDB server is asked, and tells of each write to the ledger that it takes. */
export function traceWrites(server: Server, onWrite: (write: LedgerWrite) => void): void {
  server.prependListener('request', (request, response) => {
    const target = String(request.headers['x-amz-target']).split('.')[1] ?? ''
    if (target !== 'PutItem' && target !== 'UpdateItem') return
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    // Not the event `finish`: it does not come where the asker is gone by now, and the write counts all the same.
    const end = response.end.bind(response)
    const told = (...args: readonly unknown[]): unknown => {
      const input = parseObject(Buffer.concat(chunks).toString())
      if (response.statusCode === 200 && input) {
        const sets = target === 'PutItem' ? itemSets(input) : updateSets(input)
        onWrite({ ...writeOf(sets), eventId: eventIdOf(input), worker: workerOf(request), at: Date.now() })
      }
      return Reflect.apply(end, response, args)
    }
    Reflect.set(response, 'end', told)
  })
}

type Assignment = { readonly path: readonly string[]; readonly value: unknown }

function writeOf(
  sets: readonly Assignment[],
): Pick<LedgerWrite, 'claimedUntil' | 'status' | 'runs' | 'steps'> {
  const set = (name: string) => sets.find(({ path }) => path.join() === name)?.value
  const [until, status] = [set('leaseUntil'), set('status')]
  const runs = sets.flatMap(({ path: [root, name, steps], value }) =>
    root === 'runs' && name && !steps && isObject(value) ? [[name, String(value.status)] as const] : [],
  )
  const steps = sets.flatMap(({ path: [root, run, , step], value }) => {
    if (root !== 'runs' || !run) return []
    // A step is kept alone, or with its run as a whole.
    const kept = step ? [step] : isObject(value) ? Object.keys(Object(value.steps)) : []
    return kept.map(name => `${run}:${name}`)
  })
  return {
    ...(set('leaseToken') === undefined ? {} : { claimedUntil: Number(until) }),
    ...(status === undefined ? {} : { status: String(status) }),
    runs: Object.fromEntries(runs),
    steps,
  }
}

function itemSets(input: Record<string, unknown>): Assignment[] {
  const { runs = {}, ...item } = plain(input.Item)
  const fields = Object.entries(item).map(([name, value]) => ({ path: [name], value }))
  return [
    ...fields,
    ...Object.entries(Object(runs)).map(([name, value]) => ({ path: ['runs', name], value })),
  ]
}

/** Takes an update expression such as `SET #n0 = :v0, #n1.#n2 = :v1, #n3 = #n3 + :v2` apart. */
function updateSets(input: Record<string, unknown>): Assignment[] {
  const names = isObject(input.ExpressionAttributeNames) ? input.ExpressionAttributeNames : {}
  const values = plain(input.ExpressionAttributeValues)
  const text = String(input.UpdateExpression).replace(/^SET /, '')
  return text.split(', ').map(set => {
    const [path = '', value = ''] = set.split(' = ')
    return { path: path.split('.').map(name => String(names[name])), value: values[value] }
  })
}

function eventIdOf({ Item, Key }: Record<string, unknown>): string {
  return String(plain(Item ?? Key).eventId)
}

/** The SDK checks nothing here; what is no item of DynamoDB's does not get a status of 200. */
function plain(item: unknown): Record<string, unknown> {
  if (!isObject(item)) return {}
  const attributes: Record<string, AttributeValue> = JSON.parse(JSON.stringify(item))
  // Bytes are base64 on the wire, and of no interest here.
  return unmarshall(Object.fromEntries(Object.entries(attributes).filter(([, value]) => !('B' in value))))
}

const workerOf = (request: IncomingMessage): string =>
  /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? 'unknown'

/** Reads a write that another process has told of. */
export function parseWrite(message: ChildMessage): LedgerWrite {
  const { claimedUntil, status, runs, steps } = message
  return {
    eventId: String(message.eventId),
    worker: String(message.worker),
    at: Number(message.at),
    ...(typeof claimedUntil === 'number' ? { claimedUntil } : {}),
    ...(typeof status === 'string' ? { status } : {}),
    runs: Object.fromEntries(Object.entries(Object(runs)).map(([name, run]) => [name, String(run)])),
    steps: Array.isArray(steps) ? steps.map(String) : [],
  }
}
