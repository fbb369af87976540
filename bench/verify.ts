import { createHmac } from 'node:crypto'
import { verify } from '../lib/ingest/signature.ts'
import { bodyOf, headersOf, KEYS } from './delivery.ts'
import { median } from './figures.ts'

export const VERIFIERS = {
  raw: 'raw createHmac, one key',
  'ours-one': 'boxhooks, one key',
  'ours-both': 'boxhooks, both keys',
  'box-sdk': 'box-node-sdk validateMessage',
  octokit: '@octokit/webhooks-methods verify',
  standardwebhooks: 'standardwebhooks verify',
} as const
type Verifier = keyof typeof VERIFIERS

export type VerifyFigures = {
  readonly kilobytes: number
  /** Microseconds for one raw createHmac over the same bytes. */
  readonly rawUs: number
  /** Per verifier the median, over all rounds, of its time by that of raw createHmac in the same round. */
  readonly ratios: Readonly<Record<Verifier, number>>
}

const SIZES_KB = [1, 16, 256]
/** How long each verifier works in a round, in milliseconds. */
const SLICE_MS = 4

/**
 * Verifies the same payloads with each verifier in turn, in this one process, many rounds of a few milliseconds each. Each
 * peer is given what it asks for, in its own scheme, and must find it valid.
 */
export async function benchVerify(
  rounds: number,
  onSize: (kilobytes: number) => void,
): Promise<VerifyFigures[]> {
  const figures: VerifyFigures[] = []
  for (const kilobytes of SIZES_KB) {
    onSize(kilobytes)
    const verifiers = await verifiersFor(bodyOf(kilobytes * 1024))
    const times = new Map(verifiers.map(([name]) => [name, [] as number[]]))
    for (let round = -10; round < rounds; round += 1)
      // Each is first in turn: what comes after a peer works on with what that has left in the memory.
      for (const [name, act] of rotated(verifiers, round + 10)) {
        const us = await timeOf(act)
        if (round >= 0) times.get(name)?.push(us)
      }
    const raw = times.get('raw') ?? []
    const ratio = (name: Verifier) =>
      median((times.get(name) ?? []).map((us, round) => us / (raw[round] ?? 0)))
    figures.push({
      kilobytes,
      rawUs: median(raw),
      ratios: {
        raw: 1,
        'ours-one': ratio('ours-one'),
        'ours-both': ratio('ours-both'),
        'box-sdk': ratio('box-sdk'),
        octokit: ratio('octokit'),
        standardwebhooks: ratio('standardwebhooks'),
      },
    })
  }
  return figures
}

const rotated = <T>(list: readonly T[], by: number): T[] => [
  ...list.slice(by % list.length),
  ...list.slice(0, by % list.length),
]

type Act = (() => boolean) | (() => Promise<boolean>)

/** Microseconds for one call. */
async function timeOf(act: Act): Promise<number> {
  let count = 0
  const began = performance.now()
  let spent = 0
  do {
    const outcome = act()
    if (!(typeof outcome === 'boolean' ? outcome : await outcome))
      throw new Error('A verifier refused what is valid.')
    count += 1
    spent = performance.now() - began
  } while (spent < SLICE_MS)
  return (spent * 1000) / count
}

async function verifiersFor(body: string): Promise<[Verifier, Act][]> {
  const bytes = Buffer.from(body)
  const headers = headersOf(body)
  const timestamp = headers['box-delivery-timestamp'] ?? ''
  const expected = headers['box-signature-primary']
  const ours = (keys: { primary: string; secondary?: string }) => () =>
    verify({ body: bytes, headers, keys, now: Date.now() }).ok
  const { WebhooksManager } = await import('box-node-sdk/managers/webhooks')
  const octokit = await peer('@octokit/webhooks-methods')
  const octokitSignature = `sha256=${createHmac('sha256', KEYS.primary).update(body).digest('hex')}`
  const standard = await peer('standardwebhooks')
  const webhook = Reflect.construct(functionIn(standard, 'Webhook'), [
    Buffer.from(KEYS.primary).toString('base64'),
  ])
  const now = new Date()
  const id = 'msg_1'
  const standardHeaders = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': String(Reflect.apply(functionIn(webhook, 'sign'), webhook, [id, now, body])),
  }
  const octokitVerify = functionIn(octokit, 'verify')
  const standardVerify = functionIn(webhook, 'verify')
  return [
    [
      'raw',
      () => createHmac('sha256', KEYS.primary).update(bytes).update(timestamp).digest('base64') === expected,
    ],
    ['ours-one', ours({ primary: KEYS.primary })],
    ['ours-both', ours(KEYS)],
    [
      'box-sdk',
      () => WebhooksManager.validateMessage(body, headers, KEYS.primary, { secondaryKey: KEYS.secondary }),
    ],
    [
      'octokit',
      async () =>
        (await Reflect.apply(octokitVerify, octokit, [KEYS.primary, body, octokitSignature])) === true,
    ],
    [
      'standardwebhooks',
      () => {
        Reflect.apply(standardVerify, webhook, [body, standardHeaders, { jsonParse: false }])
        return true
      },
    ],
  ]
}

/** A package of this folder, which the rest of the repository does not know. */
async function peer(name: string): Promise<object> {
  const module: unknown = await import(name)
  if (module instanceof Object || (typeof module === 'object' && module)) return module
  throw new TypeError(`${name} is no module.`)
}

// biome-ignore lint/complexity/noBannedTypes: a function found in a package has no other type
function functionIn(owner: object, name: string): Function {
  const found: unknown = Reflect.get(owner, name)
  if (typeof found === 'function') return found
  throw new TypeError(`There is no ${name}.`)
}
