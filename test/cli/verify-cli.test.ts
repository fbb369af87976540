import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { judgeCapture } from '../../cli/verify/judge.ts'
import { readCaptures } from '../../cli/verify/read-captures.ts'
import { jsonReport, textReport } from '../../cli/verify/verify-report.ts'
import { AGE_MAX_SECONDS, SKEW_MAX_SECONDS } from '../../lib/ingest/signature.ts'
import { samplePayload, wireBody } from '../../local/box/events/payload.ts'
import { RENDERINGS } from '../support/captured.ts'
import { type CommandOptions, runCommand } from '../support/command.ts'
import {
  AT,
  type Case,
  genuine,
  keyPair,
  MANGLINGS,
  payload,
  tryMangle,
  wireOf,
} from '../support/manglings.ts'
import type { Ended } from '../support/spawn.ts'
import { fakeTerminal } from '../support/terminal.ts'

const KEYS = { primary: 'canary-primary-0123456789', secondary: 'canary-secondary-0123456789' }
const BODY = wireBody(samplePayload('FILE.DOWNLOADED', { source: { name: 'Übersicht/2026.pdf' } }))
const GENUINE = genuine(BODY, KEYS)
const REWRITTEN: Case = {
  ...GENUINE,
  request: { ...GENUINE.request, body: Buffer.from(JSON.stringify(JSON.parse(BODY.toString()))) },
}
const THEN = ['--at', new Date(AT).toISOString()]
const OPTIONS = { ageMax: AGE_MAX_SECONDS, skewMax: SKEW_MAX_SECONDS, now: AT }

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxhooks-verify-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function file(content: string | Uint8Array): Promise<string> {
  const path = join(folder, `${Math.random()}`)
  await writeFile(path, content)
  return path
}
const keysFile = (keys: object = KEYS) => file(JSON.stringify(keys))
const rendered = (format: string, one: Case = GENUINE): Buffer => {
  const found = RENDERINGS.find(rendering => rendering.format === format)
  if (!found) throw new Error(`There is no rendering as ${format}.`)
  return found.render(one)
}

/** Runs it without keys in its environment but those given. */
const boxhooks = (args: readonly string[], { env, ...options }: CommandOptions = {}) =>
  runCommand(['verify', ...args], {
    ...options,
    env: { BOXHOOKS_PRIMARY_KEY: undefined, BOXHOOKS_SECONDARY_KEY: undefined, ...env },
  })

const silent = ({ out, err }: Ended) => {
  for (const key of Object.values(KEYS)) expect(out + err).not.toContain(key)
  expect(out + err).not.toMatch(/^ {4}at /m)
}

describe('boxhooks verify', { timeout: 60_000 }, () => {
  test('ends with 0 where ingest would take the delivery, and says of every check that it passed', async () => {
    const ended = await boxhooks([await file(rendered('http')), '--keys', await keysFile(), ...THEN])
    expect(ended).toMatchObject({ code: 0, err: '' })
    expect(ended.out).toContain('ingest would answer 202 accepted.\nThe delivery is valid.')
    expect(ended.out.match(/^ {2}ok /gm)).toHaveLength(6)
    silent(ended)
  })

  test('ends with 1 where it would not, with cause, proof and what to do', async () => {
    const input = rendered('lambda', REWRITTEN)
    const ended = await boxhooks(['-', '--keys', await keysFile()], { input })
    expect(ended).toMatchObject({ code: 1, err: '' })
    for (const told of [
      'ingest would answer 401 signature_mismatch.',
      'Cause: The body was parsed and written again',
      '(body_reserialised, proven)',
      '/ where Box writes \\/ (1)',
      'Fix: Verify the bytes as they came',
      'With this undone, the primary signature fits the primary key.',
    ])
      expect(ended.out).toContain(told)
    silent(ended)
  })

  test('--json has it all for programs', async () => {
    const input = rendered('lambda', REWRITTEN)
    const ended = await boxhooks(['--json', '--keys', await keysFile()], { input })
    expect(ended.code).toBe(1)
    expect(JSON.parse(ended.out)).toMatchObject({
      valid: false,
      deliveries: [
        {
          valid: false,
          format: 'lambda',
          method: 'POST',
          path: '/box/webhook',
          judgedAt: new Date(AT).toISOString(),
          judgedAtFrom: 'capture',
          answer: { status: 401, code: 'signature_mismatch' },
          causes: [{ cause: 'body_reserialised', certainty: 'proven' }],
          warnings: [],
        },
      ],
    })
    silent(ended)
  })

  test('takes keys from the environment under either name', async () => {
    const own = { BOX_SIGNATURE_PRIMARY_KEY: KEYS.primary, BOX_SIGNATURE_SECONDARY_KEY: KEYS.secondary }
    const shared = { BOXHOOKS_PRIMARY_KEY: KEYS.primary, BOXHOOKS_SECONDARY_KEY: KEYS.secondary }
    for (const env of [own, shared]) {
      const ended = await boxhooks(THEN, { env, input: rendered('http') })
      expect(ended).toMatchObject({ code: 0, err: '' })
      expect(ended.out).toContain('The request (the text of an HTTP request): POST /box/webhook')
      silent(ended)
    }
  })

  test('picks the deliveries out of a HAR, prints a line of each, and all of one that is asked for', async () => {
    const entries = [GENUINE, REWRITTEN].map(
      one => JSON.parse(rendered('har', one).toString()).log.entries[0],
    )
    const page = { request: { method: 'GET', url: 'https://example.com/', headers: [] } }
    const har = await file(JSON.stringify({ log: { entries: [page, ...entries] } }))
    const keys = ['--keys', await keysFile()]
    const both = await boxhooks([har, ...keys])
    expect(both.code).toBe(1)
    expect(both.out).toMatch(/^1 .* 202 accepted +-\n2 .* 401 signature_mismatch +body_reserialised$/m)
    expect(both.out).toContain('1 of 2 are valid.')
    const one = await boxhooks([har, ...keys, '--entry', '1'])
    expect(one).toMatchObject({ code: 0 })
    expect(one.out).toContain('(a HAR, entry 1)')
    const none = await boxhooks([har, ...keys, '--entry', '7'])
    expect(none).toMatchObject({ code: 2, out: '', err: 'There is no entry 7. Choose one from 0 to 2.\n' })
  })

  test('judges as of now where neither capture nor --at has a time, and says so', async () => {
    const path = await file(rendered('http'))
    const ended = await boxhooks([path, '--keys', await keysFile()])
    expect(ended.code).toBe(1)
    expect(ended.out).toContain('which is now: the capture does not have the time when it was received.')
    expect(ended.out).toMatch(
      /\(clock, proven\)[\s\S]*so this is its age now\. Give that time with --at TIME\./,
    )
  })

  test('has the age of now as a warning beside another cause', async () => {
    const ended = await boxhooks(['--keys', await keysFile()], { input: rendered('http', REWRITTEN) })
    expect(ended.code).toBe(1)
    expect(ended.out).toMatch(/^Cause: .*\(body_reserialised, proven\)[\s\S]*^But: .*\(clock, proven\)/m)
  })

  test.each([
    ['box-signature-version', '2', 'version_unsupported', 'fail  version    must be 1'],
    ['box-signature-algorithm', 'hmac', 'algorithm_unsupported', 'fail  algorithm  must be HmacSHA256'],
    ['box-delivery-id', '', 'header_missing', 'fail  headers    missing: box-delivery-id'],
  ])('leaves it to the answer to explain a wrong %s', async (name, value, code, check) => {
    const headers = { ...GENUINE.request.headers, [name]: value }
    const input = rendered('lambda', { ...GENUINE, request: { ...GENUINE.request, headers } })
    const ended = await boxhooks(['--keys', await keysFile()], { input })
    expect(ended.code).toBe(1)
    expect(ended.out).toContain(code)
    expect(ended.out).toContain(check)
    expect(ended.out).not.toContain('Fix:')
  })

  test('says of a callback of V1 that Box does not sign it', async () => {
    const input =
      'POST /box/v1/canary-token-0123456789012345678901 HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n\nevent_type=uploaded&item_id=1&item_type=file'
    const ended = await boxhooks(['--keys', await keysFile()], { input })
    expect(ended.code).toBe(1)
    expect(ended.out).toContain('Note: Box does not sign callbacks of V1 webhooks.')
    expect(ended.out).not.toContain('canary-token')
  })

  test('ends with 2 and says what to do, where nothing can be judged', async () => {
    const capture = await file(rendered('http'))
    const keys = await keysFile()
    const broken = await file(`{"primary": "${KEYS.primary}"`)
    const misnamed = await file(JSON.stringify({ primaryKey: KEYS.primary }))
    const cases: readonly [readonly string[], RegExp][] = [
      [[capture], /signature keys are missing[\s\S]*--keys FILE/],
      [[capture, '--keys', broken], /is not a JSON object\. Write the keys into it/],
      [[capture, '--keys', misnamed], /can't be used[\s\S]*primary and secondary/],
      [[capture, '--keys', join(folder, 'none')], /can't be read \(ENOENT\)/],
      [[join(folder, 'none'), '--keys', keys], /can't be read \(ENOENT\)/],
      [['--keys', keys], /The capture is empty/],
      [[await file('hello'), '--keys', keys], /No request can be found/],
      [[await file(BODY), '--keys', keys], /only the body of one/],
      [[await file('{"headers": {'), '--keys', keys], /JSON\.stringify\(event\)/],
      [[capture, '--keys', keys, '--entry', '1'], /no entry 1\. Choose one from 0 to 0/],
      [[capture, '--keys', keys, '--at', 'yesterday'], /date-time with its zone/],
      [[capture, '--keys', keys, '--format', 'pcap'], /Allowed choices/],
      [[capture, '--keys', keys, '--curl', 'curl x'], /unknown option/],
    ]
    for (const [args, told] of cases) {
      const ended = await boxhooks(args)
      expect([ended.code, ended.out], args.join(' ')).toEqual([2, ''])
      expect(ended.err).toMatch(told)
      silent(ended)
    }
  })

  test('has no option that would take a key from the command line', async () => {
    const { out } = await boxhooks(['--help'])
    expect(out.match(/--[\w-]+/g)).toEqual(
      expect.arrayContaining(['--format', '--entry', '--keys', '--at', '--json']),
    )
    expect(out).toMatch(/--keys <file>/)
    expect(out).not.toMatch(/<key>/)
  })
})

describe('asked at a terminal', () => {
  test('for both keys, it shows neither', async () => {
    const { terminal, type, shown } = fakeTerminal()
    type(`${KEYS.primary}\n${KEYS.secondary}\n`)
    const ended = await boxhooks([await file(rendered('http')), ...THEN], { terminal })
    expect(shown()).toContain('Primary key: ')
    expect(ended).toMatchObject({ code: 0, out: expect.stringContaining('The delivery is valid.') })
    silent(ended)
    for (const key of Object.values(KEYS)) expect(shown()).not.toContain(key)
  })

  test('and left without an answer, it judges nothing', async () => {
    const { terminal, type } = fakeTerminal()
    type('\u0003')
    const { code, err } = await boxhooks([await file(rendered('http'))], { terminal })
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringContaining('The signature keys are missing.'),
    })
  })

  test('without a capture, it says how to give one', async () => {
    const { terminal } = fakeTerminal()
    const { code, err } = await boxhooks([], { terminal })
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringContaining('Name a file with the captured request'),
    })
  })
})

describe('what is printed', () => {
  test('has no key, in either form, whatever the keys and whatever is the matter, even where the capture has one', async () => {
    await fc.assert(
      fc.asyncProperty(
        payload,
        keyPair,
        fc.array(fc.constantFrom(...MANGLINGS), { maxLength: 2 }),
        fc.constantFrom(...RENDERINGS),
        fc.boolean(),
        async (value, keys, manglings, { render }, within) => {
          const whole = genuine(wireOf(value), keys)
          const path = within ? `/hooks/${keys.primary}` : '/box/webhook'
          const start: Case = { ...whole, request: { ...whole.request, path } }
          const one = manglings.reduce(tryMangle, start)
          const judged = await Promise.all(
            readCaptures(render(one)).map(capture =>
              judgeCapture(capture, one.keys, { at: one.at, ...OPTIONS }),
            ),
          )
          for (const told of [textReport(judged, one.keys, 'capture'), jsonReport(judged, one.keys)])
            for (const key of Object.values(one.keys).filter(key => key?.trim()))
              expect(told).not.toContain(key)
        },
      ),
      { numRuns: 150, seed: 20_261_127 },
    )
  })

  test('has nothing that would do something to a terminal', async () => {
    const input = Buffer.from('POST /\u001b[31m\u0007 HTTP/1.1\nbox-delivery-id: \u001b[2J\n\n{}')
    const judged = await Promise.all(
      readCaptures(input).map(one => judgeCapture(one, KEYS, { at: AT, ...OPTIONS })),
    )
    expect(textReport(judged, KEYS, 'a\u001bb')).not.toMatch(/[^\P{Cc}\n]/u)
  })
})
