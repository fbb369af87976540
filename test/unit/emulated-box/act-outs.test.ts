import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { verify } from '../../../lib/ingest/signature.ts'
import { BENDS, type BendName, burst, isBendName, sendTwice } from '../../../local/box/actions/scenarios.ts'
import { type Attempt, Deliveries, type Outgoing } from '../../../local/box/events/delivery.ts'
import { manualClock } from '../../support/manual-clock.ts'

const KEYS = { primary: 'primary-key', secondary: 'secondary-key' }
const START = Date.parse('2026-11-23T10:00:00Z')

const outgoing = (eventId: string): Outgoing => ({
  eventId,
  trigger: 'FILE.LOCKED',
  webhookId: '1',
  address: 'http://localhost/',
  body: Buffer.from(`{"id":"${eventId}","url":"a\\/b"}`),
})

function deliveries() {
  const clock = manualClock(START)
  const sent: Attempt[] = []
  let ids = 0
  const made = new Deliveries({
    clock,
    newId: () => `id-${++ids}`,
    keys: () => KEYS,
    post: async () => ({ status: 202, answer: '' }),
    onAttempt: attempt => sent.push(attempt),
  })
  return { clock, sent, made }
}

/** What our own verifier says of a delivery that is out of the ordinary. */
const EXPECTED: Readonly<Record<BendName, object>> = {
  none: { ok: true, key: 'primary', header: 'primary' },
  'primary key only': { ok: true, key: 'primary' },
  'secondary key only': { ok: true, key: 'secondary' },
  'keys swapped': { ok: true },
  'primary key reset on Box': { ok: true, key: 'secondary', header: 'secondary' },
  'secondary key reset on Box': { ok: true, key: 'primary', header: 'primary' },
  'both keys reset on Box': { ok: false, rule: 'signature_mismatch' },
  forged: { ok: false, rule: 'signature_mismatch' },
  'no signature': { ok: false, rule: 'header_missing', header: 'box-signature-primary' },
  'no delivery id': { ok: false, rule: 'header_missing', header: 'box-delivery-id' },
  'clock half a minute ahead': { ok: true },
  'clock two minutes ahead': { ok: false, rule: 'timestamp_in_future' },
  'eleven minutes old': { ok: false, rule: 'timestamp_too_old' },
  'body cut short': { ok: false, rule: 'signature_mismatch' },
  'body written anew': { ok: false, rule: 'signature_mismatch' },
}

describe('what the emulated Box can act out', () => {
  test.each(Object.entries(EXPECTED))('%s', async (name, verdict) => {
    if (!isBendName(name)) throw new Error(`${name} is none.`)
    const { made } = deliveries()
    const { body } = outgoing('e')
    const { headers, body: posted } = await made.send(outgoing('e'), BENDS[name](KEYS, body))
    expect(verify({ body: posted, headers, keys: KEYS, now: START })).toMatchObject(verdict)
  })

  test('the same request twice: one delivery id, one event', async () => {
    const { made } = deliveries()
    const [first, second] = await sendTwice(made, outgoing('e'), 'same')
    expect([first.deliveryId, second.deliveryId]).toEqual(['same', 'same'])
    expect(first.headers).toEqual(second.headers)
  })

  test('deliveries that are reordered go out with the last first, and later ones as they come', async () => {
    const { made, sent } = deliveries()
    made.reorderNext(3)
    const early = [made.send(outgoing('1')), made.send(outgoing('2'))]
    await new Promise(resolve => setImmediate(resolve))
    expect([made.held, sent]).toEqual([2, []])
    await Promise.all([...early, made.send(outgoing('3'))])
    await made.send(outgoing('4'))
    expect(sent.map(({ eventId }) => eventId)).toEqual(['3', '2', '1', '4'])
  })

  test('what is kept back is sent when it is released, and when Box closes', async () => {
    const { made, sent } = deliveries()
    made.reorderNext(5)
    const held = [made.send(outgoing('1')), made.send(outgoing('2'))]
    made.release()
    await Promise.all(held)
    expect(sent.map(({ eventId }) => eventId)).toEqual(['2', '1'])
    made.reorderNext(5)
    const last = made.send(outgoing('3'))
    await made.close()
    expect((await last).status).toBe(0)
  })

  test('attempts that get lost reach nobody and are made up for, however Box is hurried', async () => {
    const { made, sent, clock } = deliveries()
    made.loseNext(3)
    const first = await made.send(outgoing('1'))
    expect(first).toMatchObject({ status: 0, attempt: 1, nextAttemptAt: START + 30_000 })
    expect([made.losing, made.waiting]).toEqual([2, 1])
    for (const attempt of [2, 3, 4]) {
      made.hurry()
      await expect.poll(() => sent.length).toBe(attempt)
    }
    expect(sent.map(({ status }) => status)).toEqual([0, 0, 0, 202])
    expect(new Set(sent.map(({ deliveryId }) => deliveryId)).size).toBe(4)
    expect([made.losing, made.waiting, clock.now()]).toEqual([0, 0, START])
    clock.advance(10_000_000)
    expect(sent).toHaveLength(4)
  })

  test('the whole schedule of an endpoint that is down can be hurried through, to its end', async () => {
    const { made, sent } = deliveries()
    made.loseNext(1000)
    await made.send(outgoing('1'))
    while (made.waiting > 0) {
      const { length } = sent
      made.hurry()
      await expect.poll(() => sent.length).toBe(length + 1)
    }
    expect(sent).toHaveLength(13)
    expect(sent.at(-1)?.nextAttemptAt).toBeUndefined()
  })

  test('a burst sends so many in a second, by its clock', async () => {
    const { made, clock, sent } = deliveries()
    let nth = 0
    const { attempts } = burst({
      clock,
      count: 50,
      perSecond: 10,
      fire: () => made.send(outgoing(String(++nth))),
    })
    let over = false
    attempts.then(() => {
      over = true
    })
    for (let ms = 0; !over; ms += 50) {
      await new Promise(resolve => setImmediate(resolve))
      const expected = Math.floor(ms / 100) + 1
      expect(Math.abs(sent.length - Math.min(50, expected))).toBeLessThanOrEqual(1)
      clock.advance(50)
    }
    expect(await attempts).toHaveLength(50)
    expect(clock.now() - START).toBeGreaterThanOrEqual(4900)
  })

  test('however wide a burst may be, it sends all, with no more under way than that', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 9 }),
        async (count, underWayMax) => {
          let [underWay, most] = [0, 0]
          const { made, clock } = deliveries()
          const fire = async () => {
            underWay += 1
            most = Math.max(most, underWay)
            const attempt = await made.send(outgoing('e'))
            underWay -= 1
            return attempt
          }
          const perSecond = Number.POSITIVE_INFINITY
          expect(await burst({ clock, count, perSecond, underWayMax, fire }).attempts).toHaveLength(count)
          expect(most).toBe(Math.min(count, underWayMax))
        },
      ),
      { numRuns: 30 },
    )
  })

  test('a burst that is stopped ends with what was under way', async () => {
    const { made, clock } = deliveries()
    const one = burst({ clock, count: 100, perSecond: 1, fire: () => made.send(outgoing('e')) })
    one.stop()
    expect(await one.attempts).toHaveLength(1)
  })
})
