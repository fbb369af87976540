import { isObject } from '../../../lib/base/json.ts'
import { isTrigger, TRIGGERS, type Trigger } from '../../../lib/event/event.ts'
import type { WireObject } from '../events/shapes.ts'
import { boxTime } from '../events/wire.ts'
import type { Content } from './content.ts'
import type { Happening, ItemReference, User } from './items.ts'
import { BoxRefusal, invalidParameter, notFound } from './refusal.ts'

export type Webhook = {
  readonly id: string
  readonly target: ItemReference
  readonly address: string
  readonly triggers: readonly Trigger[]
  readonly createdAt: string
  readonly createdBy: User
}

export type WebhooksOptions = {
  readonly content: Content
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Lets addresses be plain HTTP on this machine, which Box itself would refuse. */
  readonly allowLocalAddresses: boolean
}

/** How many webhooks an application may have per user. */
export const WEBHOOKS_MAX = 1000

/** The webhooks of one application. Each user, the service account above all, has its own and sees no other's. */
export class Webhooks {
  /** Every user's, the oldest first. */
  readonly all = new Map<string, Webhook>()
  readonly #options: WebhooksOptions
  #lastId = 5000

  constructor(options: WebhooksOptions) {
    this.#options = options
  }

  /** A user's webhooks; the service account's by default. */
  of(user: User = this.#options.content.owner): Webhook[] {
    return [...this.all.values()].filter(({ createdBy }) => createdBy.id === user.id)
  }

  webhook(id: string, user?: User): Webhook {
    const found = this.of(user).find(one => one.id === id)
    if (!found) throw notFound('webhook', id)
    return found
  }

  create(input: unknown, user = this.#options.content.owner): Webhook {
    const { target, address, triggers } = this.#checked(input, undefined, user)
    if (this.of(user).length >= WEBHOOKS_MAX)
      throw new BoxRefusal(409, 'webhooks_limit_reached', `At most ${WEBHOOKS_MAX} webhooks are allowed`)
    this.#lastId += 1
    const webhook: Webhook = {
      id: String(this.#lastId),
      target,
      address,
      triggers,
      createdAt: boxTime(this.#options.now()),
      createdBy: user,
    }
    this.all.set(webhook.id, webhook)
    return webhook
  }

  update(id: string, input: unknown, user?: User): Webhook {
    const before = this.webhook(id, user)
    const webhook = { ...before, ...this.#checked(input, before, before.createdBy) }
    this.all.set(id, webhook)
    return webhook
  }

  delete(id: string, user?: User): void {
    this.webhook(id, user)
    this.all.delete(id)
  }

  /** The webhooks that are told of a happening: those on the item or a folder above it, with the trigger. */
  toldOf({ path, trigger }: Happening): Webhook[] {
    return [...this.all.values()].filter(
      ({ target, triggers }) =>
        triggers.includes(trigger) && path.some(({ type, id }) => type === target.type && id === target.id),
    )
  }

  /** @throws BoxRefusal that names every field that is wrong, or the webhook that the target has already */
  #checked(
    input: unknown,
    before: Webhook | undefined,
    user: User,
  ): Pick<Webhook, 'target' | 'address' | 'triggers'> {
    const given = isObject(input) ? input : {}
    const refusals: BoxRefusal[] = []
    const checked = <F extends 'target' | 'address' | 'triggers'>(
      field: F,
      check: (value: unknown) => Webhook[F],
    ): Webhook[F] | undefined => {
      if (given[field] === undefined && before) return before[field]
      try {
        return check(given[field])
      } catch (error) {
        if (!(error instanceof BoxRefusal)) throw error
        refusals.push(error)
        return undefined
      }
    }
    const target = checked('target', value => this.#target(value))
    const address = checked('address', value => this.#address(value))
    const triggers = checked('triggers', value => triggersOf(value, target?.type))
    if (!target || !address || !triggers) throw together(refusals)
    const twin = this.of(user).find(
      one => one.id !== before?.id && one.target.type === target.type && one.target.id === target.id,
    )
    if (twin) throw existing(twin)
    return { target, address, triggers }
  }

  #target(value: unknown): Webhook['target'] {
    if (value === undefined) throw invalidParameter('target', 'Target is required')
    const { type, id } = isObject(value) ? value : {}
    if ((type !== 'file' && type !== 'folder') || typeof id !== 'string')
      throw invalidParameter('target', 'Invalid value. Target must have an id and a type, file or folder')
    if (type === 'folder' && id === '0')
      throw invalidParameter('target.id', 'Webhooks are not allowed on the root folder')
    if (type === 'folder') this.#options.content.folder(id)
    else this.#options.content.file(id)
    return { type, id }
  }

  #address(value: unknown): string {
    if (value === undefined) throw invalidParameter('address', 'Address is required')
    const url = typeof value === 'string' ? URL.parse(value) : null
    if (!url) throw invalidParameter('address', 'Invalid value. Address must be a URL')
    const local = ['localhost', '127.0.0.1'].includes(url.hostname)
    if (local && this.#options.allowLocalAddresses) return String(value)
    if (url.protocol !== 'https:')
      throw invalidParameter('address', 'Invalid value. Address must be a HTTPS URL')
    if (url.port !== '') throw invalidParameter('address', 'Invalid value. Address must use port 443')
    if (url.hostname === 'box.com' || url.hostname.endsWith('.box.com') || local)
      throw invalidParameter('address', 'Invalid value. Address is not allowed')
    return String(value)
  }
}

/** @param type what the webhook is set on, where that is known */
function triggersOf(value: unknown, type: 'file' | 'folder' | undefined): readonly Trigger[] {
  if (value === undefined) throw invalidParameter('triggers', 'Triggers are required')
  if (!Array.isArray(value) || value.length === 0)
    throw invalidParameter('triggers', 'Triggers must not be empty')
  const triggers = value.map((name: unknown) => {
    const trigger = typeof name === 'string' && isTrigger(name) ? name : undefined
    const targets: readonly string[] = trigger ? TRIGGERS[trigger].targets : []
    if (!trigger || targets.length === 0 || (type && !targets.includes(type)))
      throw invalidParameter('triggers', `Invalid value '${String(name)}'.`)
    return trigger
  })
  return [...new Set(triggers)]
}

/** One refusal of all that is wrong; that the target can't be seen counts before the rest. */
function together(refusals: readonly BoxRefusal[]): BoxRefusal {
  const [first] = [...refusals].sort((a, b) => b.status - a.status)
  if (!first) throw new TypeError('There is nothing to refuse.')
  const same = refusals.filter(({ status }) => status === first.status)
  const errors = same.flatMap(({ contextInfo }) =>
    Array.isArray(contextInfo?.errors) ? contextInfo.errors : [],
  )
  return new BoxRefusal(first.status, first.code, first.message, { errors })
}

/** @see https://github.com/box/samples/tree/master/box-node-webhook-to-lambda-sample#troubleshooting */
const existing = ({ id }: Webhook): BoxRefusal =>
  new BoxRefusal(409, 'conflict', 'Bad Request', {
    errors: [
      {
        reason: 'invalid_parameter',
        name: 'existWebhookId',
        message: `Webhook:${id} already exists on the specified target.`,
      },
    ],
  })

/** A webhook as the API shows it in a list: without address and triggers. */
export const wireWebhookMini = ({ id, target }: Webhook): WireObject => ({ id, type: 'webhook', target })

export const wireWebhook = (webhook: Webhook): WireObject => ({
  ...wireWebhookMini(webhook),
  created_by: webhook.createdBy,
  created_at: webhook.createdAt,
  address: webhook.address,
  triggers: webhook.triggers,
})
