import type { IncomingMessage, Server } from 'node:http'
import { isObject, parseObject } from '../../../lib/json.ts'
import { itemOf } from './item-size.ts'
import type { LedgerMeter } from './ledger-meter.ts'

/** Who makes requests: each has an access key of its own. */
export const CALLERS = ['ingest', 'automate', 'reconcile', 'poller'] as const
export type Caller = (typeof CALLERS)[number]

/** What was asked of AWS, as AWS bills it. */
export type Asked = {
  /** Such as `sqs:SendMessage` → how often. */
  readonly requests: Readonly<Record<string, number>>
  /** SQS bills each 64 KB of a request as one. */
  readonly sqsUnits: number
  readonly writeUnits: number
  readonly readUnits: number
}

type Count = { requests: Record<string, number>; sqsUnits: number; writeUnits: number; readUnits: number }

const NOTHING: Asked = { requests: {}, sqsUnits: 0, writeUnits: 0, readUnits: 0 }

/** Counts every request on the wire, whoever makes it and however often. */
export class WireMeter {
  readonly #ledger: LedgerMeter
  readonly #counts = new Map<string, Count>()
  #messageBytes = 0

  constructor(ledger: LedgerMeter) {
    this.#ledger = ledger
  }

  /** Reads along what a server of SQS or DynamoDB is asked, and what it answers. */
  listen(server: Server): void {
    server.prependListener('request', (request, response) => {
      const [service = '', operation = ''] = String(request.headers['x-amz-target']).split('.')
      const asked: Buffer[] = []
      const answered: Buffer[] = []
      request.on('data', chunk => asked.push(chunk))
      const write = response.write.bind(response)
      Reflect.set(response, 'write', (chunk: unknown, ...rest: unknown[]) => {
        keep(answered, chunk)
        return Reflect.apply(write, response, [chunk, ...rest])
      })
      const end = response.end.bind(response)
      Reflect.set(response, 'end', (...args: unknown[]) => {
        keep(answered, args[0])
        const input = parseObject(Buffer.concat(asked).toString()) ?? {}
        const output = parseObject(Buffer.concat(answered).toString()) ?? {}
        this.#count(callerOf(request), service, operation, input, output, response.statusCode === 200)
        const completed = operation === 'PutItem' ? this.#withItem(input, output) : undefined
        if (!completed) return Reflect.apply(end, response, args)
        response.removeHeader('x-amz-crc32')
        response.setHeader('content-length', Buffer.byteLength(completed))
        return end(completed)
      })
    })
  }

  /** DynamoDB tells what is there where a write is refused and asks for it. The embedded one does not. */
  #withItem(
    input: Readonly<Record<string, unknown>>,
    output: Readonly<Record<string, unknown>>,
  ): string | undefined {
    if (!String(output.__type).endsWith('ConditionalCheckFailedException')) return undefined
    return JSON.stringify({ ...output, Item: this.#ledger.item(itemOf(input.Item)) })
  }

  /** Counts a request to Secrets Manager. */
  secret(request: Request): void {
    const [, operation = ''] = (request.headers.get('x-amz-target') ?? '').split('.')
    this.#add(credentialOf(request.headers.get('authorization')), `secretsmanager:${operation}`, {})
  }

  /** What a caller has asked since this was last taken. */
  take(caller: Caller): Asked {
    const count = this.#counts.get(caller)
    this.#counts.delete(caller)
    return count ?? NOTHING
  }

  /** The bytes of the message that was sent last. */
  get messageBytes(): number {
    return this.#messageBytes
  }

  #count(
    caller: string,
    service: string,
    operation: string,
    input: Readonly<Record<string, unknown>>,
    output: Readonly<Record<string, unknown>>,
    succeeded: boolean,
  ): void {
    if (!CALLERS.some(one => one === caller)) return
    if (service.startsWith('DynamoDB')) {
      this.#add(caller, `dynamodb:${operation}`, this.#ledger.consume(operation, input, succeeded))
      return
    }
    if (operation === 'SendMessage') this.#messageBytes = messageBytes(input)
    const received = Array.isArray(output.Messages) ? output.Messages : []
    const bytes = operation === 'SendMessage' ? messageBytes(input) : sum(received.map(messageBytes))
    this.#add(caller, `sqs:${operation}`, { sqsUnits: sqsUnits(bytes) })
  }

  #add(caller: string, request: string, units: Partial<Omit<Asked, 'requests'>>): void {
    const count = this.#counts.get(caller) ?? { ...NOTHING, requests: {} }
    count.requests[request] = (count.requests[request] ?? 0) + 1
    count.sqsUnits += units.sqsUnits ?? 0
    count.writeUnits += units.writeUnits ?? 0
    count.readUnits += units.readUnits ?? 0
    this.#counts.set(caller, count)
  }
}

/** @see https://aws.amazon.com/sqs/pricing/ */
const sqsUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / 65_536))

/** A message's size, as sent or received: its body, and the names, types and values of its attributes. */
function messageBytes(message: unknown): number {
  if (!isObject(message)) return 0
  const attributes = isObject(message.MessageAttributes) ? Object.entries(message.MessageAttributes) : []
  const sizes = attributes.map(([name, value]) => {
    const { DataType = '', StringValue = '' } = isObject(value) ? value : {}
    return Buffer.byteLength(`${name}${DataType}${StringValue}`)
  })
  return Buffer.byteLength(String(message.MessageBody ?? message.Body ?? '')) + sum(sizes)
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)

function keep(chunks: Buffer[], chunk: unknown): void {
  if (typeof chunk === 'string') chunks.push(Buffer.from(chunk))
  if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk))
}

const callerOf = (request: IncomingMessage): string => credentialOf(request.headers.authorization)

const credentialOf = (authorization: string | null | undefined): string =>
  /Credential=([^/]+)\//.exec(authorization ?? '')?.[1] ?? ''
