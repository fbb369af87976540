import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createKit } from '../../../conformance/delivery.ts'
import { conforms, examine, type Finding } from '../../../conformance/examine.ts'
import { REQUIREMENTS } from '../../../conformance/requirements.ts'
import { ROOT } from '../../../infra/build/bundle.ts'
import { verify } from '../../../lib/ingest/signature.ts'
import {
  type Keys,
  naive,
  onSdk,
  type Receiver,
  type Running,
  serveParseFirst,
  serveReceiver,
} from '../../support/receivers.ts'
import { useStack } from '../../support/stack.ts'

const KEYS = { primary: 'conformance-primary-key', secondary: 'conformance-secondary-key' }
const RETIRED = 'a key of last year'
const guide = readFileSync(join(ROOT, 'docs', 'conformance.md'), 'utf8')
const failed = (findings: readonly Finding[]): string[] =>
  findings.filter(({ result }) => result === 'failed').map(({ requirement }) => requirement.id)

/** What each of the receivers in receivers.ts gets wrong. */
const NAIVE = [
  'signature.keys-swapped',
  'forgery.body-extended',
  'forgery.reserialised',
  'declared.algorithm-other',
  'declared.algorithm-missing',
  'declared.version-other',
  'declared.version-missing',
  'declared.algorithm-twice',
  'declared.version-twice',
  'time.eleven-minutes',
  'time.a-day',
  'time.eleven-minutes-elsewhere',
  'time.far-ahead',
  'time.missing',
  'time.unreadable',
  'time.epoch',
  'time.no-offset',
  'time.impossible',
  'time.border-moved-in',
  'time.border-moved-out',
  'time.known-event',
  'body.escaped',
  'body.white-space',
  'body.numbers',
  'body.every-trigger',
  'body.not-json',
  'body.not-json-taken',
  'body.no-object',
  'body.not-utf8',
  'body.stray-byte',
  'body.byte-order-mark',
  'body.empty',
  'body.size-256k',
  'body.size-1m',
  'http.method-get',
  'http.method-other',
  'http.method-options',
  'privacy.stack-trace',
]

const PARSE_FIRST = [
  'signature.secondary-only',
  'signature.new-primary',
  'signature.keys-swapped',
  'signature.keys-in-turn',
  'forgery.no-box-headers',
  'declared.algorithm-other',
  'declared.algorithm-missing',
  'declared.version-other',
  'declared.version-missing',
  'declared.algorithm-twice',
  'declared.version-twice',
  'time.far-ahead',
  'time.missing',
  'time.unreadable',
  'time.epoch',
  'time.no-offset',
  'time.impossible',
  'time.border-moved-in',
  'time.border-moved-out',
  'body.every-trigger',
  'body.no-active-session',
  'body.webhook-deleted',
  'body.no-source',
  'body.bare',
  'body.not-json',
  'body.not-json-taken',
  'body.no-object',
  'body.not-utf8',
  'body.stray-byte',
  'body.byte-order-mark',
  'body.empty',
  'http.method-get',
  'http.method-other',
  'http.method-options',
  'retry.new-delivery-id',
  'retry.at-once',
  'retry.after-forgery',
  'privacy.refusal',
  'privacy.stack-trace',
]

const ON_SDK = [
  'signature.keys-swapped',
  'forgery.escaped-again',
  'forgery.beside-genuine',
  'forgery.extended',
  'forgery.unpadded',
  'forgery.base64url',
  'time.slightly-ahead',
  'time.missing',
  'time.unreadable',
  'time.epoch',
  'time.no-offset',
  'time.impossible',
  'time.border-moved-in',
  'time.border-moved-out',
  'body.not-json',
  'body.not-json-taken',
  'body.no-object',
  'body.stray-byte',
  'body.byte-order-mark',
  'body.empty',
  'http.method-other',
  'privacy.stack-trace',
]

describe('our own receiver', () => {
  const stack = useStack({ keys: KEYS })

  test('keeps to every requirement, what should hold included', { timeout: 120_000 }, async () => {
    const findings = await examine({
      url: new URL(stack.webhookUrl),
      kit: createKit({ keys: { ...KEYS, retired: RETIRED } }),
      requirements: REQUIREMENTS,
    })
    expect(findings.filter(({ result }) => result !== 'passed')).toEqual([])
    expect(findings).toHaveLength(REQUIREMENTS.length)
  })

  test('without the secondary key only what needs it is skipped', { timeout: 60_000 }, async () => {
    const findings = await examine({
      url: new URL(stack.webhookUrl),
      kit: createKit({ keys: { primary: KEYS.primary } }),
      requirements: REQUIREMENTS.filter(({ id }) => id.startsWith('signature.')),
    })
    const skipped = findings
      .filter(({ result }) => result === 'skipped')
      .map(({ requirement }) => requirement.id)
    expect(skipped).toEqual([
      'signature.secondary-only',
      'signature.new-primary',
      'signature.keys-swapped',
      'signature.keys-in-turn',
    ])
    expect(failed(findings)).toEqual([])
  })
})

describe('a receiver of somebody else’s', () => {
  async function examineReceiver(start: () => Promise<Running>): Promise<readonly Finding[]> {
    const running = await start()
    try {
      const kit = createKit({ keys: { ...KEYS, retired: RETIRED } })
      return await examine({ url: running.url, kit, requirements: REQUIREMENTS })
    } finally {
      await running.close()
    }
  }

  test.each<[string, () => Promise<Running>, readonly string[]]>([
    ['serialises the body again', () => serveReceiver(naive, KEYS), NAIVE],
    ['parses before it verifies', () => serveParseFirst(KEYS), PARSE_FIRST],
    ['rests on the official SDK', () => serveReceiver(onSdk, KEYS), ON_SDK],
  ])('that %s fails just the right requirements', { timeout: 120_000 }, async (name, start, expected) => {
    const findings = await examineReceiver(start)
    expect(failed(findings)).toEqual(expected)
    expect(conforms(findings)).toBe(false)
    const musts = REQUIREMENTS.filter(({ id, level }) => level === 'must' && expected.includes(id))
    expect(guide).toContain(`| ${name} | ${expected.length} | ${musts.length} |`)
  })
})

describe('a receiver with bounds and keys of its own', () => {
  /** Results by id, of a receiver that verifies as boxhooks does but with other bounds or one key too many. */
  async function results(options: { ageMaxSeconds?: number; skewMaxSeconds?: number; tooMany?: string }) {
    const { tooMany, ...bounds } = options
    const verifying: Receiver = ({ headers, body }) => {
      const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
      const judge = (keys: Keys) => verify({ body, headers: given, keys, now: Date.now(), ...bounds }).ok
      return { status: judge(KEYS) || (tooMany !== undefined && judge({ primary: tooMany })) ? 202 : 401 }
    }
    const running = await serveReceiver(verifying, KEYS)
    const requirements = REQUIREMENTS.filter(({ id }) => /^time\.|retired/.test(id))
    const found: Record<string, string> = {}
    const kits = {
      usual: createKit({ keys: KEYS }),
      told: createKit({ keys: { ...KEYS, retired: RETIRED }, ...bounds }),
    }
    for (const [name, kit] of Object.entries(kits))
      for (const { requirement, result } of await examine({ url: running.url, kit, requirements }))
        if (result !== 'passed') found[`${name} ${requirement.id}`] = result
    await running.close()
    return found
  }

  test('is judged by its bounds, where they are told', async () => {
    expect(await results({ ageMaxSeconds: 300, skewMaxSeconds: 5 })).toEqual({
      'usual time.nine-minutes': 'failed',
      'usual time.slightly-ahead': 'failed',
      'usual forgery.retired-key': 'skipped',
    })
  })

  test('must have forgotten a key that was withdrawn', async () => {
    expect(await results({ tooMany: RETIRED })).toEqual({
      'usual forgery.retired-key': 'skipped',
      'told forgery.retired-key': 'failed',
    })
  })
})

test('no requirement holds of receivers that answer the same to everything', async () => {
  const kit = createKit({ keys: { ...KEYS, retired: RETIRED } })
  const held = new Set(REQUIREMENTS.map(({ id }) => id))
  for (const status of [200, 401, 500]) {
    const running = await serveReceiver(() => ({ status }), KEYS)
    const findings = await examine({ url: running.url, kit, requirements: REQUIREMENTS })
    for (const id of failed(findings)) held.delete(id)
    await running.close()
  }
  expect([...held]).toEqual([])
}, 60_000)

test('the official SDK vouches for a captured delivery, however old, once the border to its timestamp has moved', async () => {
  const { WebhooksManager } = await import('box-node-sdk/managers')
  const kit = createKit({ keys: KEYS, now: () => Date.now() - 365 * 86_400_000 })
  const captured = kit.genuine()
  const body = Buffer.from(captured.body).toString()
  const headers = Object.fromEntries(captured.headers.map(([name, value]) => [name.toLowerCase(), value]))
  const judge = (text: string, timestamp: string | undefined) =>
    WebhooksManager.validateMessage(
      text,
      { ...headers, 'box-delivery-timestamp': String(timestamp) },
      KEYS.primary,
    )
  const timestamp = headers['box-delivery-timestamp']
  expect(await judge(body, timestamp)).toBe(false)
  expect(await judge(body.slice(0, -1), `}${timestamp}`)).toBe(true)
})

describe('the requirements', () => {
  test('are more than sixty, each under an id of its own', () => {
    const ids = REQUIREMENTS.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.length).toBeGreaterThan(60)
    for (const id of ids) expect(id).toMatch(/^[a-z]+\.[a-z0-9-]+$/)
  })

  test('are those of docs/conformance.md', () => {
    for (const { id, level, says } of REQUIREMENTS)
      expect(guide).toContain(`| \`${id}\` | ${level} | ${says} |`)
    expect(guide).toContain(`for ${REQUIREMENTS.length} things`)
    expect(guide).toContain(`a number of the ${REQUIREMENTS.length}:`)
    expect(guide.match(/^\| `[a-z]+\.[a-z0-9-]+` \| /gm)).toHaveLength(REQUIREMENTS.length)
  })
})
