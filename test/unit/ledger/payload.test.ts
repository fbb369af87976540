import { deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TRIGGERS } from '../../../lib/event/event.ts'
import { packPayload, unpackPayload } from '../../../lib/ledger/payload.ts'
import { MESSAGE_BYTES_MAX } from '../../../lib/queue/message.ts'
import { samplePayload, wireBody } from '../../../local/box/events/payload.ts'

const unpacked = (packed: Uint8Array) => Buffer.from(unpackPayload(packed, MESSAGE_BYTES_MAX))

test('any body comes out as it went in, byte for byte', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), body => {
      expect(unpacked(packPayload(body)).equals(body)).toBe(true)
    }),
  )
})

test('what earlier versions have packed, with gzip, is still read', () => {
  const body = wireBody(samplePayload('FILE.UPLOADED'))
  expect(unpacked(gzipSync(body)).equals(body)).toBe(true)
})

test('every payload of Box takes less than with gzip, and a file’s not half as much', () => {
  for (const trigger of Object.keys(TRIGGERS)) {
    const body = wireBody(samplePayload(trigger))
    expect(packPayload(body).length, trigger).toBeLessThan(gzipSync(body).length * 0.75)
  }
  const upload = wireBody(samplePayload('FILE.UPLOADED'))
  expect(packPayload(upload).length).toBeLessThan(gzipSync(upload).length / 2)
})

test('the dictionary is the one that the ledgers there are were packed with', () => {
  const head = Buffer.from(packPayload(Buffer.from('x')))
    .subarray(0, 6)
    .toString('hex')
  expect(head, 'A changed dictionary makes every payload in every ledger unreadable.').toBe('78f96b6085b9')
})

test('what is damaged, larger than allowed, or packed with another dictionary is refused', () => {
  const packed = packPayload(Buffer.alloc(1000, 'x'))
  expect(() => unpackPayload(packed, 999)).toThrow()
  expect(() => unpackPayload(packed.subarray(0, packed.length - 5), 1000)).toThrow()
  expect(() => unpackPayload(Buffer.from('no payload'), 1000)).toThrow()
  const foreign = deflateSync('x'.repeat(100), { dictionary: Buffer.from('another') })
  expect(() => unpackPayload(foreign, 1000)).toThrow('Bad dictionary')
})
