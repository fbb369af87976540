import {
  type AttributeValue,
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { convertToAttr, marshall } from '@aws-sdk/util-dynamodb'
import { AutomationError } from '../base/errors.ts'
import type { Target } from '../event/event.ts'
import { targetText } from '../event/target.ts'
import { type Dropped, type EventRecord, type EventStatus, type RunRecord, readRecord } from './record.ts'

/** A claim on an event: who may write its outcome, and until when nobody else may try. */
export type Lease = {
  /** Unique to one claim; every write of its holder is conditional on it. */
  readonly token: string
  /** Milliseconds since the epoch. */
  readonly until: number
}

/** What a claim writes: the runs that it starts (with this attempt counted), or that it already settles. */
export type Claim = {
  readonly lease: Lease
  readonly status: EventStatus
  readonly redrives: number
  readonly runs: Readonly<Record<string, RunRecord>>
  /** The watched targets that the event is about, once that is known. */
  readonly targets?: readonly Target[]
  /** The webhooks whose targets these are. */
  readonly webhooks?: readonly string[]
  /** Why no automation can be run for the event. */
  readonly error?: { readonly code: string; readonly message: string }
}

/** What is kept of an event when it is first claimed. */
export type NewEvent = {
  readonly eventId: string
  readonly deliveryId: string
  readonly trigger: string
  /** `file:123`; see sourceKey(). */
  readonly source: string
  /** ISO 8601. */
  readonly receivedAt: string
  readonly origin: string
  /** The body, packed, for a later replay; left out where it would not fit the record. */
  readonly payload?: Uint8Array
}

/** What the holder of a lease writes. */
export type Change = {
  /** Runs that changed, each replaced as a whole. */
  readonly runs: Readonly<Record<string, RunRecord>>
  /** Given with the last write of a claim. */
  readonly close?: {
    readonly status: EventStatus
    /** False leaves the lease to run out, for when something of the claim may still be running. */
    readonly release: boolean
  }
}

export type Ledger = {
  /** Reads an event's record, or undefined where there is none. */
  read(eventId: string): Promise<EventRecord | undefined>
  /**
   * Claims an event that has no record yet.
   * @returns the record as it stands: ours, or that of another worker
   * @throws RecordFull
   */
  open(event: NewEvent, claim: Claim): Promise<{ readonly claimed: boolean; readonly record: EventRecord }>
  /**
   * Claims an event again, on the strength of what was read before.
   * @returns false where the record has changed since
   * @throws RecordFull
   */
  claim(seen: EventRecord, claim: Claim): Promise<boolean>
  /**
   * Writes an outcome under a lease.
   * @throws LeaseLost where another worker has claimed the event since, and RecordFull
   */
  write(eventId: string, token: string, change: Change): Promise<void>
  /**
   * Keeps a step's result under a lease.
   * @throws LeaseLost where another worker has claimed the event since, and RecordFull
   */
  keepStep(eventId: string, token: string, run: string, step: string, json: string): Promise<void>
  /**
   * Keeps that a dead letter of an event was dropped, and why. Whoever works on the event goes on.
   * @returns false where the event has no record
   */
  drop(eventId: string, dropped: Dropped): Promise<boolean>
}

/** The lease has passed to another worker, so this one's outcome must not be written. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'

  constructor(eventId: string) {
    super(
      `The lease on event ${eventId} has passed to another worker; this one's outcome is dropped, and the other's counts.`,
    )
  }
}

/** DynamoDB refuses a write for good, as it does where an item would have more than 400 KB. */
export class RecordFull extends AutomationError {
  override readonly name = 'RecordFull'

  constructor(eventId: string, cause: unknown) {
    const message = `The ledger's record of event ${eventId} can't take what is to be written: DynamoDB refuses it for good. Keep less in steps.`
    super({ class: 'permanent', code: 'record_full', message }, { cause })
  }
}

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html */
const isRefusedForGood = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ValidationException'

/** The calls of DynamoDB that the ledger makes; a client of AWS's SDK takes them, as {@link createLedgerDatabase} does. */
export type LedgerDatabase = {
  send(command: GetItemCommand): Promise<{ readonly Item?: Record<string, AttributeValue> | undefined }>
  send(command: PutItemCommand | UpdateItemCommand): Promise<unknown>
}

export type LedgerOptions = {
  readonly dynamodb: LedgerDatabase
  readonly table: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /**
   * How long a record outlives its last write. It must outlive every way in which a message can come back: 14 days on
   * the queue, 14 on the dead-letter queue, and a redrive. 35 days by default.
   */
  readonly keepDays?: number
}

/** The ledger over one DynamoDB table with one item per event. */
export function createLedger(options: LedgerOptions): Ledger {
  const { dynamodb, table, now, keepDays = 35 } = options
  const expiresAt = () => Math.floor(now() / 1000) + keepDays * 86_400

  const read = async (eventId: string): Promise<EventRecord | undefined> => {
    const answer = await dynamodb.send(
      new GetItemCommand({ TableName: table, Key: keyOf(eventId), ConsistentRead: true }),
    )
    return answer.Item && readRecord(answer.Item)
  }

  /** Tries a conditional update; false where its condition does not hold. */
  const update = async (eventId: string, expression: Expression): Promise<boolean> => {
    try {
      await dynamodb.send(
        new UpdateItemCommand({ TableName: table, Key: keyOf(eventId), ...expression.build() }),
      )
      return true
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false
      throw isRefusedForGood(error) ? new RecordFull(eventId, error) : error
    }
  }

  const underLease = (token: string): Expression =>
    new Expression().when('leaseToken', token).set('expiresAt', expiresAt()).increment('version')

  return {
    read,
    async open(event, claim) {
      const { lease, status, redrives, runs, targets, webhooks = [], error: reason } = claim
      const fresh = {
        ...event,
        receivedOn: dayOf(event.receivedAt),
        status,
        redrives,
        runs: Object.fromEntries(Object.entries(runs).map(([name, run]) => [name, storedRun(run)])),
        ...(targets ? { targets: targets.map(targetText) } : {}),
        ...(webhooks.length > 0 ? { webhooks } : {}),
        ...(reason ? { error: reason } : {}),
        version: 1,
        leaseToken: lease.token,
        leaseUntil: lease.until,
        expiresAt: expiresAt(),
      }
      const item = marshall(fresh, MARSHALL)
      try {
        await dynamodb.send(
          new PutItemCommand({
            TableName: table,
            Item: item,
            ConditionExpression: 'attribute_not_exists(eventId)',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        )
        return {
          claimed: true,
          get record() {
            return readRecord(item)
          },
        }
      } catch (error) {
        if (isRefusedForGood(error)) throw new RecordFull(event.eventId, error)
        if (!(error instanceof ConditionalCheckFailedException)) throw error
        const record = error.Item ? readRecord(error.Item) : await read(event.eventId)
        // The record can expire between the two calls; then the event is as new.
        if (!record) return this.open(event, claim)
        // A write whose answer got lost is repeated by the SDK and meets itself.
        return { claimed: record.leaseToken === lease.token, record }
      }
    },
    async claim(seen, { lease, status, redrives, runs, targets, webhooks = [], error }) {
      const expression = new Expression()
        .when('version', seen.version)
        .set('leaseToken', lease.token)
        .set('leaseUntil', lease.until)
        .set('status', status)
        .set('redrives', redrives)
        .set('expiresAt', expiresAt())
        .increment('version')
      if (targets) expression.set('targets', targets.map(targetText))
      if (webhooks.length > (seen.webhooks ?? []).length) expression.set('webhooks', webhooks)
      if (error) expression.set('error', error)
      for (const [name, run] of Object.entries(runs)) expression.set(['runs', name], storedRun(run))
      if (await update(seen.eventId, expression)) return true
      const record = await read(seen.eventId)
      return record?.leaseToken === lease.token
    },
    async write(eventId, token, { runs, close }) {
      const expression = underLease(token)
      for (const [name, run] of Object.entries(runs)) expression.set(['runs', name], storedRun(run))
      if (close) {
        expression.set('status', close.status)
        if (close.release) expression.set('leaseUntil', 0)
      }
      if (await update(eventId, expression)) return
      throw new LeaseLost(eventId)
    },
    async keepStep(eventId, token, run, step, json) {
      if (await update(eventId, underLease(token).set(['runs', run, 'steps', step], json))) return
      throw new LeaseLost(eventId)
    },
    drop: (eventId, dropped) =>
      update(
        eventId,
        new Expression()
          .whenPresent('eventId')
          .set('dropped', dropped)
          .set('expiresAt', expiresAt())
          .increment('version'),
      ),
  }
}

/** The UTC day of an ISO 8601 time, which the index byDay has as its key. */
export const dayOf = (time: string): string => time.slice(0, 10) || 'none'

/** What reads as 0 where it is absent is left out: DynamoDB bills each write by the kilobyte of the whole item. */
const storedRun = ({ throttles, redrives, ...run }: RunRecord) => ({
  ...run,
  ...(throttles === 0 ? {} : { throttles }),
  ...(redrives === 0 ? {} : { redrives }),
})

const keyOf = (eventId: string): Record<string, AttributeValue> => ({ eventId: { S: eventId } })

const MARSHALL = { removeUndefinedValues: true } as const

/** Builds an update whose every name and value is a placeholder, so that no name can clash with a reserved word. */
class Expression {
  readonly #sets: string[] = []
  readonly #names = new Map<string, string>()
  readonly #values: Record<string, AttributeValue> = {}
  #count = 0
  #condition = ''

  when(attribute: string, equals: unknown): this {
    this.#condition = `${this.#path([attribute])} = ${this.#value(equals)}`
    return this
  }

  whenPresent(attribute: string): this {
    this.#condition = `attribute_exists(${this.#path([attribute])})`
    return this
  }

  set(path: string | readonly string[], value: unknown): this {
    this.#sets.push(`${this.#path(typeof path === 'string' ? [path] : path)} = ${this.#value(value)}`)
    return this
  }

  increment(attribute: string): this {
    const path = this.#path([attribute])
    this.#sets.push(`${path} = ${path} + ${this.#value(1)}`)
    return this
  }

  build() {
    return {
      UpdateExpression: `SET ${this.#sets.join(', ')}`,
      ConditionExpression: this.#condition,
      ExpressionAttributeNames: Object.fromEntries([...this.#names].map(([name, key]) => [key, name])),
      ExpressionAttributeValues: this.#values,
    }
  }

  #path(parts: readonly string[]): string {
    return parts
      .map(part => {
        const key = this.#names.get(part) ?? `#n${this.#names.size}`
        this.#names.set(part, key)
        return key
      })
      .join('.')
  }

  #value(value: unknown): string {
    const key = `:v${this.#count++}`
    if (value === undefined) throw new TypeError('A ledger value must not be undefined.')
    this.#values[key] = convertToAttr(value, MARSHALL)
    return key
  }
}
