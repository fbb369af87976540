import { TRIGGERS, type Trigger } from '../../lib/event.ts'
import { isObject } from '../../lib/json.ts'
import type { Content } from './content.ts'
import type { Happening, ItemReference, User } from './items.ts'
import type { WireObject } from './payload.ts'
import { BoxRefusal, invalidParameter, notFound } from './refusal.ts'
import { boxTime } from './wire.ts'

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

/** The webhooks of one application and user. */
export class Webhooks {
  readonly all = new Map<string, Webhook>()
  readonly #options: WebhooksOptions
  #lastId = 5000

  constructor(options: WebhooksOptions) {
    this.#options = options
  }

  webhook(id: string): Webhook {
    const found = this.all.get(id)
    if (!found) throw notFound('webhook', id)
    return found
  }

  create(input: unknown): Webhook {
    const { target, address, triggers } = this.#checked(input, undefined)
    if (this.all.size >= WEBHOOKS_MAX)
      throw new BoxRefusal(409, 'webhooks_limit_reached', `At most ${WEBHOOKS_MAX} webhooks are allowed`)
    this.#lastId += 1
    const webhook: Webhook = {
      id: String(this.#lastId),
      target,
      address,
      triggers,
      createdAt: boxTime(this.#options.now()),
      createdBy: this.#options.content.owner,
    }
    this.all.set(webhook.id, webhook)
    return webhook
  }

  update(id: string, input: unknown): Webhook {
    const before = this.webhook(id)
    const webhook = { ...before, ...this.#checked(input, before) }
    this.all.set(id, webhook)
    return webhook
  }

  delete(id: string): void {
    this.webhook(id)
    this.all.delete(id)
  }

  /** The webhooks that are told of a happening: those on the item or a folder above it, with the trigger. */
  toldOf({ path, trigger }: Happening): Webhook[] {
    return [...this.all.values()].filter(
      ({ target, triggers }) =>
        triggers.includes(trigger) && path.some(({ type, id }) => type === target.type && id === target.id),
    )
  }

  #checked(input: unknown, before: Webhook | undefined): Pick<Webhook, 'target' | 'address' | 'triggers'> {
    const given = isObject(input) ? input : {}
    const target = given.target === undefined ? before?.target : this.#target(given.target)
    const address = given.address === undefined ? before?.address : this.#address(given.address)
    if (!target) throw invalidParameter('target', 'Target is required')
    if (!address) throw invalidParameter('address', 'Address is required')
    const triggers = given.triggers === undefined ? before?.triggers : triggersOf(given.triggers, target.type)
    if (!triggers) throw invalidParameter('triggers', 'Triggers are required')
    const twin = [...this.all.values()].find(
      one => one.id !== before?.id && one.target.type === target.type && one.target.id === target.id,
    )
    if (twin)
      throw new BoxRefusal(409, 'conflict', `Webhook:${twin.id} already exists on the specified target.`)
    return { target, address, triggers }
  }

  #target(value: unknown): Webhook['target'] {
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

function triggersOf(value: unknown, type: 'file' | 'folder'): readonly Trigger[] {
  if (!Array.isArray(value) || value.length === 0)
    throw invalidParameter('triggers', 'Triggers must not be empty')
  return value.map((name: unknown) => {
    const trigger = typeof name === 'string' && isTrigger(name) ? name : undefined
    const targets: readonly string[] = trigger ? TRIGGERS[trigger].targets : []
    if (!trigger || !targets.includes(type))
      throw invalidParameter('triggers', `Invalid value '${String(name)}'.`)
    return trigger
  })
}

const isTrigger = (name: string): name is Trigger => Object.hasOwn(TRIGGERS, name)

/** A webhook as the API shows it in a list: without address and triggers. */
export const wireWebhookMini = ({ id, target }: Webhook): WireObject => ({ id, type: 'webhook', target })

export const wireWebhook = (webhook: Webhook): WireObject => ({
  ...wireWebhookMini(webhook),
  created_by: webhook.createdBy,
  created_at: webhook.createdAt,
  address: webhook.address,
  triggers: webhook.triggers,
})
