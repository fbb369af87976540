import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCaptures } from '../../cli/verify/read-captures.ts'
import { judge } from '../../cli/verify/verify.ts'
import { jsonReport, textReport } from '../../cli/verify/verify-report.ts'
import { AGE_MAX_SECONDS, SKEW_MAX_SECONDS } from '../../lib/ingest/signature.ts'
import { samplePayload, wireBody } from '../../local/box/events/payload.ts'
import { RENDERINGS } from '../support/captured.ts'
import { type CommandOptions, runCommand } from '../support/command.ts'
import { AT, type Case, genuine, keyPair, MANGLINGS, payload, wireOf } from '../support/manglings.ts'
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
const BOUNDS = { ageMax: AGE_MAX_SECONDS, skewMax: SKEW_MAX_SECONDS, now: AT }

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
  test('ends with 0 where ingest would take the delivery, and says of every check that it holds', async () => {
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
      '1 slash as /, where Box writes \\/',
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

  test('takes a curl command from the command line, and keys from the environment under either name', async () => {
    const curl = rendered('curl').toString()
    const own = { BOX_SIGNATURE_PRIMARY_KEY: KEYS.primary, BOX_SIGNATURE_SECONDARY_KEY: KEYS.secondary }
    const shared = { BOXHOOKS_PRIMARY_KEY: KEYS.primary, BOXHOOKS_SECONDARY_KEY: KEYS.secondary }
    for (const env of [own, shared]) {
      const ended = await boxhooks(['--curl', curl, ...THEN], { env })
      expect(ended).toMatchObject({ code: 0, err: '' })
      expect(ended.out).toContain('The request (a curl command): POST /box/webhook')
      silent(ended)
    }
  })

  test('picks the deliveries out of a HAR, tells a line of each, and all of one that is asked for', async () => {
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
    expect(none).toMatchObject({ code: 2, out: '', err: 'There is no entry 7; they go from 0 to 2.\n' })
  })

  test('judges as of now where nobody says when it was, and tells that its age is that of now', async () => {
    const path = await file(rendered('http'))
    const ended = await boxhooks([path, '--keys', await keysFile()])
    expect(ended.code).toBe(1)
    expect(ended.out).toContain(
      'which is now: the capture does not tell when it was received, and --at TIME can.',
    )
    expect(ended.out).toMatch(/timestamp_too_old[\s\S]*To judge it as of then, say --at TIME\./)
  })

  test('explains a callback of V1', async () => {
    const input =
      'POST /box/v1/canary-token-0123456789012345678901 HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n\nevent_type=uploaded&item_id=1&item_type=file'
    const ended = await boxhooks(['--keys', await keysFile()], { input })
    expect(ended.code).toBe(1)
    expect(ended.out).toContain('(v1_payload, proven)')
    expect(ended.out).not.toContain('canary-token')
  })

  test('reads the body of a curl command from the file that it names', async () => {
    const body = await file(BODY)
    const headers = Object.entries(GENUINE.request.headers).map(([name, value]) => `-H '${name}: ${value}'`)
    const curl = `curl ${headers.join(' ')} --data-binary '@${body}' https://example.com/box/webhook`
    const ended = await boxhooks(['--curl', curl, '--keys', await keysFile(), ...THEN])
    expect(ended).toMatchObject({ code: 0, err: '' })
  })

  test('ends with 2 and says what to do, where nothing can be judged', async () => {
    const capture = await file(rendered('http'))
    const keys = await keysFile()
    const broken = await file(`{"primary": "${KEYS.primary}"`)
    const misnamed = await file(JSON.stringify({ primaryKey: KEYS.primary }))
    const cases: readonly [readonly string[], RegExp][] = [
      [[capture], /signature keys are missing[\s\S]*--keys FILE/],
      [[capture, '--keys', broken], /is no JSON object of the form/],
      [[capture, '--keys', misnamed], /can't be used[\s\S]*primary and secondary/],
      [[capture, '--keys', join(folder, 'none')], /can't be read \(ENOENT\)/],
      [[join(folder, 'none'), '--keys', keys], /can't be read \(ENOENT\)/],
      [['--keys', keys], /The capture is empty/],
      [[await file('hello'), '--keys', keys], /No request can be found/],
      [[await file(BODY), '--keys', keys], /just the body of one/],
      [[await file('{"headers": {'), '--keys', keys], /JSON\.stringify\(event\)/],
      [['--curl', "curl 'x", '--keys', keys], /quote of the curl command is not closed/],
      [['--curl', 'curl x -d @none', '--keys', keys], /none can't be read/],
      [['--curl', 'curl x', capture, '--keys', keys], /not both/],
      [[capture, '--keys', keys, '--at', 'yesterday'], /date-time with its zone/],
      [[capture, '--keys', keys, '--format', 'pcap'], /Allowed choices/],
      [[capture, '--keys', keys, '--nothing'], /unknown option/],
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
      expect.arrayContaining(['--curl', '--format', '--entry', '--keys', '--at', '--json']),
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
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('Give the captured request') })
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
          const one = manglings.reduce<Case>((mangled, { mangle }) => attempt(mangle, mangled), start)
          const captures = readCaptures(render(one), { readFile: path => readNothing(path) })
          const judged = await Promise.all(
            captures.map(capture => judge(capture, one.keys, { at: one.at, ...BOUNDS })),
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
    const evil = 'POST /\u001b[31m\u0007 HTTP/1.1\nbox-delivery-id: \u001b[2J\nx-\u001b: 1\n\n{}'
    const input = Buffer.from(evil.replace('x-\u001b: 1\n', ''))
    const judged = await Promise.all(
      readCaptures(input, { readFile: readNothing }).map(one => judge(one, KEYS, { at: AT, ...BOUNDS })),
    )
    expect(textReport(judged, KEYS, 'a\u001bb')).not.toMatch(/[^\P{Cc}\n]/u)
  })
})

const readNothing = (path: string): never => {
  throw new Error(`nothing is at ${path}`)
}

function attempt(mangle: (one: Case) => Case, one: Case): Case {
  try {
    return mangle(one)
  } catch {
    return one
  }
}
