import { DeleteMessageCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { describe, expect, test } from 'vitest'
import { createLedger } from '../../../lib/ledger/ledger.ts'
import { walkDeadLetters } from '../../../lib/operations/dead-letter-walk.ts'
import { createDeadLetters, type DeadLetter, type DeadLetters } from '../../../lib/operations/dead-letters.ts'
import { describeBody, type Failure } from '../../../lib/queue/message.ts'
import { createQueue } from '../../../lib/queue/queue.ts'
import { useEmbedded } from '../../support/embedded.ts'

const aws = useEmbedded()

const NOW = Date.parse('2026-11-23T10:00:00Z')
const now = () => NOW
let scenes = 0

type SceneOptions = { readonly sqs?: Pick<SQSClient, 'send'> }

/** Queues of a test's own, with so many letters on the dead-letter queue, each an hour older than the one before. */
async function scene(letters: number, options: SceneOptions = {}) {
  scenes += 1
  const names = { queue: `queue-${scenes}`, dead: `dead-${scenes}` }
  const queueUrl = await aws.createQueue(names.queue, { VisibilityTimeout: '360' })
  const deadLetterQueueUrl = await aws.createQueue(names.dead, {})
  const ledger = createLedger({ dynamodb: aws.dynamodb, table: aws.table, now })
  const sqs = options.sqs ?? aws.sqs
  const deadLetters = createDeadLetters({ sqs, deadLetterQueueUrl, queueUrl, ledger, now })
  const dead = createQueue(aws.sqs, deadLetterQueueUrl)
  for (let index = 0; index < letters; index += 1) await dead.send(letterOf(`${scenes}-${index}`, index))
  const ready = async (name: string) => (await aws.messages(name)).ready
  return {
    deadLetters,
    deadLetterQueueUrl,
    ledger,
    queued: () => ready(names.queue),
    dead: () => ready(names.dead),
    hidden: async () => (await aws.messages(names.dead)).inflight.length,
  }
}

function letterOf(id: string, hours: number) {
  const body = Buffer.from(JSON.stringify({ id, trigger: 'FILE.UPLOADED', webhook: { id: '53' } }))
  const failure: Failure = {
    code: hours % 2 ? 'box_not_found' : 'box_forbidden',
    message: 'Box says no.',
    at: new Date(NOW - hours * 3_600_000).toISOString(),
    redrives: 0,
    automations: [{ name: 'a', code: 'box_not_found', message: 'Box says no.', attempts: 3, redrives: 1 }],
  }
  const received = { deliveryId: 'd1', receivedAt: '2026-11-22T10:00:00.000Z', origin: 'webhook' } as const
  return { ...describeBody(body), ...received, body, failure }
}

async function only(deadLetters: DeadLetters): Promise<DeadLetter> {
  const [letter, another] = await deadLetters.receive()
  if (!letter || another) throw new Error('There is not just one letter.')
  return letter
}

describe('a dead letter', () => {
  test('tells what it is about, why it is here and since when', async () => {
    const { deadLetters } = await scene(1)
    expect(await only(deadLetters)).toMatchObject({
      eventId: `${scenes}-0`,
      trigger: 'FILE.UPLOADED',
      code: 'box_forbidden',
      message: 'Box says no.',
      at: '2026-11-23T10:00:00.000Z',
      ageSeconds: 0,
      automations: [{ name: 'a', attempts: 3, redrives: 1 }],
      body: letterOf(`${scenes}-0`, 0).body,
    })
  })

  test('that boxhooks did not write is shown as it is, with what that means', async () => {
    const { deadLetters, deadLetterQueueUrl } = await scene(0)
    await aws.sqs.send(new SendMessageCommand({ QueueUrl: deadLetterQueueUrl, MessageBody: 'hello' }))
    expect(await only(deadLetters)).toMatchObject({
      code: 'unknown',
      message: expect.stringContaining('1000 receives'),
      automations: [],
      body: Buffer.from('hello'),
    })
  })

  test('goes back to the queue as it is, with all that stands beside it', async () => {
    const { deadLetters, queued, dead, hidden } = await scene(1)
    const [before] = await dead()
    await deadLetters.redrive(await only(deadLetters))
    expect(await queued()).toMatchObject([
      { body: before?.body, messageAttributes: before?.messageAttributes },
    ])
    expect(before?.messageAttributes).toHaveProperty('failure')
    expect(await hidden()).toBe(0)
    expect(await dead()).toEqual([])
  })

  test('stays where the queue does not take it, and a copy stays where it can’t be deleted', async () => {
    for (const [refused, copies] of [
      [SendMessageCommand, 0],
      [DeleteMessageCommand, 1],
    ] as const) {
      const { deadLetters, queued, hidden } = await scene(1, { sqs: refusing(refused) })
      await expect(deadLetters.redrive(await only(deadLetters))).rejects.toThrow('Refused.')
      expect(await queued()).toHaveLength(copies)
      expect(await hidden()).toBe(1)
    }
  })

  test('is dropped with a reason that the ledger keeps, whether or not it has a record', async () => {
    for (const known of [true, false]) {
      const { deadLetters, ledger, dead, hidden, queued } = await scene(1)
      const letter = await only(deadLetters)
      const { eventId, receivedAt } = letter
      const event = { eventId, deliveryId: 'd', trigger: 't', source: 'none', receivedAt, origin: 'webhook' }
      const claim = { lease: { token: 't', until: 0 }, status: 'dead', redrives: 3, runs: {} } as const
      if (known) await ledger.open(event, claim)
      await deadLetters.drop(letter, { reason: 'The file is gone.', by: 'ada' })
      expect(await ledger.read(eventId)).toMatchObject({
        status: 'dead',
        redrives: known ? 3 : 0,
        dropped: { at: '2026-11-23T10:00:00.000Z', reason: 'The file is gone.', by: 'ada' },
      })
      expect([await dead(), await queued(), await hidden()]).toEqual([[], [], 0])
    }
  })

  test('that the ledger can’t be told of is not dropped', async () => {
    const { deadLetters, hidden } = await scene(1)
    const letter = await only(deadLetters)
    const eventId = '' // no key of DynamoDB is empty
    await expect(deadLetters.drop({ ...letter, eventId }, { reason: 'r' })).rejects.toThrow()
    expect(await hidden()).toBe(1)
  })
})

describe('a walk through the letters', () => {
  test('shows each once, leaves those that are left, and hides none when it is over', async () => {
    const { deadLetters, dead, hidden } = await scene(35)
    const seen: string[] = []
    const visit = async (letter: DeadLetter) => {
      seen.push(letter.eventId)
      if (letter.code === 'box_forbidden') return 'left' as const
      await deadLetters.redrive(letter)
      return 'gone' as const
    }
    expect(await walkDeadLetters({ deadLetters, visit, now })).toBe(true)
    expect(new Set(seen).size).toBe(35)
    expect(seen).toHaveLength(35)
    expect(await dead()).toHaveLength(18)
    expect(await hidden()).toBe(0)
    expect(await deadLetters.count()).toEqual({ waiting: 18, hidden: 0 })
  })

  test('that is stopped ends after the letters in hand and gives all others back', async () => {
    const { deadLetters, dead, hidden } = await scene(35)
    let seen = 0
    const visit = async () => {
      seen += 1
      return 'left' as const
    }
    expect(await walkDeadLetters({ deadLetters, visit, stop: () => seen >= 12, now })).toBe(false)
    expect(seen).toBe(12)
    expect(await dead()).toHaveLength(35)
    expect(await hidden()).toBe(0)
  })

  test('in which a letter fails ends with its error, after the others of its page, and gives back what is left', async () => {
    const { deadLetters, dead, hidden } = await scene(10)
    const visit = async (letter: DeadLetter) => {
      if (letter.eventId.endsWith('-3')) throw new Error('Refused.')
      await deadLetters.redrive(letter)
      return 'gone' as const
    }
    await expect(walkDeadLetters({ deadLetters, visit, now })).rejects.toThrow('Refused.')
    expect(await dead()).toHaveLength(1)
    expect(await hidden()).toBe(0)
  })

  test('leaves what comes to the queue after it has begun, so that it ends', async () => {
    const { deadLetters, dead } = await scene(3)
    const visit = async () => {
      throw new Error('Nothing was there yet.')
    }
    expect(await walkDeadLetters({ deadLetters, visit, sentUntil: Date.now() - 60_000, now })).toBe(true)
    expect(await dead()).toHaveLength(3)
  })

  test('that takes long keeps hidden what it has seen, so that it ends', async () => {
    const sent: [string, number | undefined][] = []
    const { deadLetters } = await scene(25, {
      sqs: {
        send: (command: object) => {
          if ('input' in command && command.constructor.name.startsWith('ChangeMessageVisibility'))
            sent.push([command.constructor.name, entriesOf(command.input)])
          return Reflect.apply(aws.sqs.send, aws.sqs, [command])
        },
      } as never,
    })
    let time = NOW
    const visit = async () => {
      time += 5000
      return 'left' as const
    }
    expect(await walkDeadLetters({ deadLetters, visit, now: () => time })).toBe(true)
    const batches = sent.map(([, entries]) => entries)
    expect(batches).toEqual([10, 10, 10, 10, 5])
  })
})

const entriesOf = (input: unknown): number | undefined => {
  const entries: unknown = input instanceof Object ? Reflect.get(input, 'Entries') : undefined
  return Array.isArray(entries) ? entries.length : undefined
}

/** The embedded SQS, which refuses one kind of command. */
const refusing = (refused: typeof SendMessageCommand | typeof DeleteMessageCommand): SQSClient =>
  ({
    send: async (command: object) => {
      if (command instanceof refused) throw new Error('Refused.')
      return Reflect.apply(aws.sqs.send, aws.sqs, [command])
    },
  }) as never
