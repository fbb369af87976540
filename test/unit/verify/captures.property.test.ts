import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeUtf8 } from '../../../cli/verify/box-json.ts'
import { readCaptures } from '../../../cli/verify/read-captures.ts'
import { RENDERINGS } from '../../support/captured.ts'
import { type Case, genuine, keyPair, MANGLINGS, payload, wireOf } from '../../support/manglings.ts'
import { runs } from '../../support/seed.ts'

const MANGLED = MANGLINGS.filter(({ cause }) => cause.startsWith('body_'))

test.each(RENDERINGS.map(one => [one.name, one] as const))(
  'a request is read from %s with every byte, whatever happened to its body',
  (_, { render, format, binary, timed }) => {
    fc.assert(
      fc.property(
        payload,
        keyPair,
        fc.option(fc.constantFrom(...MANGLED), { nil: undefined }),
        (value, keys, mangling) => {
          const whole = genuine(wireOf(value), keys)
          const one: Case = mangling ? mangling.mangle(whole) : whole
          fc.pre(binary || decodeUtf8(one.request.body) !== undefined)
          const [capture, ...more] = readCaptures(render(one))
          expect(more).toEqual([])
          expect(capture?.format).toBe(format)
          expect(Buffer.from(capture?.body ?? []).toString('latin1')).toBe(
            Buffer.from(one.request.body).toString('latin1'),
          )
          expect(capture?.headers).toMatchObject(one.request.headers)
          if (format !== 'http') expect(capture).toMatchObject({ method: 'POST', path: '/box/webhook' })
          if (timed) expect(capture?.receivedAt).toBe(one.at)
        },
      ),
      runs(60),
    )
  },
)
