import { isIPv4, isIPv6 } from 'node:net'
import { isTrigger, type Target, type TargetType, TRIGGERS, type Trigger } from '../event/event.ts'
import { targetText } from '../event/target.ts'
import { type DesiredWebhook, WEBHOOKS_MAX } from './plan.ts'

/** Something that Box would refuse, found before it is asked. */
export type WebhookProblem = {
  readonly field: 'address' | 'target' | 'triggers'
  /** `folder:123`, where it is about one webhook. */
  readonly target?: string
  /** What is wrong, and what to do. */
  readonly message: string
}

export type AddressOptions = {
  /** Lets the address be plain HTTP on this machine, for the emulated Box. */
  readonly allowLocalAddress?: boolean
}

/**
 * Says what Box would refuse about webhooks; empty where nothing is wrong.
 * @see https://developer.box.com/guides/webhooks/v2/limitations-v2/
 * @see https://developer.box.com/guides/webhooks/triggers/
 */
export function webhookProblems(
  desired: readonly DesiredWebhook[],
  address: string,
  options: AddressOptions = {},
): WebhookProblem[] {
  const problem = addressProblem(address, options.allowLocalAddress ?? false)
  const problems: WebhookProblem[] = problem ? [{ field: 'address', message: problem }] : []
  if (desired.length > WEBHOOKS_MAX)
    problems.push({
      field: 'target',
      message: `The automations watch ${desired.length} items, but Box allows ${WEBHOOKS_MAX} webhooks per application and user. Watch folders above instead.`,
    })
  return [...problems, ...desired.flatMap(one => [...targetProblems(one.target), ...triggerProblems(one)])]
}

/** What Box has against an address; undefined where it has nothing. */
function addressProblem(address: string, allowLocal: boolean): string | undefined {
  const url = URL.parse(address)
  if (!url)
    return 'The address is no URL. It must be this stage’s endpoint, such as https://host/box/webhook.'
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
  if (allowLocal && ['localhost', '127.0.0.1', '::1'].includes(host) && /^https?:$/.test(url.protocol))
    return undefined
  if (url.protocol !== 'https:')
    return 'Box delivers to https addresses only. Give the https URL of this stage’s endpoint.'
  if (url.port !== '')
    return `Box delivers to port 443 only, not to ${url.port}. Leave the port out of the address.`
  if (host === 'box.com' || host.endsWith('.box.com'))
    return 'Box refuses addresses below box.com. Give the URL of this stage’s endpoint.'
  if (!isPublic(host))
    return `Box delivers to public addresses only, and ${host} is none. Deploy the stage, and give the URL of its endpoint.`
  return undefined
}

/** Whether a host may be reached from the internet, as far as its name or number tells. */
function isPublic(host: string): boolean {
  if (isIPv4(host)) return !PRIVATE_V4.test(host)
  if (isIPv6(host)) return /^[23]/.test(host)
  return host.includes('.') && !/\.(local|localhost|internal|test|invalid)$/.test(host)
}

/** This network, private, carrier-grade, loopback, link-local, and multicast with all above. RFC 6890. */
const PRIVATE_V4 =
  /^(0|10|127)\.|^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|^169\.254\.|^172\.(1[6-9]|2\d|3[01])\.|^192\.168\.|^(22[4-9]|2[3-5]\d)\./

/** What Box would refuse about an item that is to be watched. */
export function targetProblems(target: Target): WebhookProblem[] {
  const field = { field: 'target', target: targetText(target) } as const
  if (target.type === 'folder' && target.id === '0')
    return [
      {
        ...field,
        message:
          'Box allows no webhook on the root folder, 0. Watch the folders below it, or use V1 webhooks, which are for a whole account.',
      },
    ]
  if (/^[1-9]\d{0,31}$/.test(target.id)) return []
  const message = `A ${target.type}'s id is a number, such as 123456789: the last part of its URL on app.box.com. Correct the setting or the automation's watch.`
  return [{ ...field, message }]
}

/** What Box would refuse about the triggers of a webhook, by the type of its item. */
export function triggerProblems({ target, triggers }: DesiredWebhook): WebhookProblem[] {
  const field = { field: 'triggers', target: targetText(target) } as const
  if (triggers.length === 0) return [{ ...field, message: 'A webhook needs at least one trigger.' }]
  return triggers.flatMap(trigger => {
    const known = Object.hasOwn(TRIGGERS, trigger) ? TRIGGERS[trigger] : undefined
    const targets: readonly TargetType[] = known?.targets ?? []
    if (targets.includes(target.type)) return []
    const why = known
      ? `${trigger} can't be watched on a ${target.type}.`
      : `Box has no trigger "${trigger}".`
    return [
      { ...field, message: `${why} Allowed on a ${target.type}: ${allowedOn(target.type).join(', ')}.` },
    ]
  })
}

/** The triggers that a webhook on a type of item can have. */
function allowedOn(type: TargetType): Trigger[] {
  return Object.keys(TRIGGERS)
    .filter(isTrigger)
    .filter(name => {
      const targets: readonly TargetType[] = TRIGGERS[name].targets
      return targets.includes(type)
    })
}
