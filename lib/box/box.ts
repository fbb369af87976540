import type { BoxClient } from 'box-node-sdk'
import { SharedCall } from '../base/shared-call.ts'
import type { Target } from '../event/event.ts'
import type { Log } from '../log/log.ts'
import { isBoxError } from './box-error.ts'
import type { BoxRun } from './box-session.ts'
import type { BoxConnectionOptions, ConnectedApp } from './connected-app.ts'

export type { BoxRun } from './box-session.ts'

/**
 * The official SDK's client as automations see it. It is loaded on the first call, so each of its methods returns a
 * promise, and what a call throws is a {@link BoxError}.
 */
export type Box = BoxClient & {
  /** The same client acting for a user, through the As-User header; the app needs the scope for it. */
  asUser(userId: string): Box
}

/**
 * Says what a webhook is set on; undefined where Box does not know it. The lookup is one for all who ask for the webhook at the
 * same time, and is logged for the first of them; `signal` ends the waiting of its caller alone.
 * @throws BoxError, or the reason of `signal`
 */
export type TargetLookup = (
  webhookId: string,
  options?: { readonly log?: Log; readonly signal?: AbortSignal },
) => Promise<Target | undefined>

export type BoxConnection = {
  /** Makes a client bound to one run: it stops with the run's signal and logs its calls with the run's fields. */
  box(run: BoxRun): Box
  targetOf: TargetLookup
}

/** How long what Box said of a webhook's target is believed, in milliseconds. */
const TARGET_FRESH_MS = 600_000

/** A connection to Box that reads the app's credentials when first needed and keeps its token for all later runs. */
export function createBoxConnection(options: BoxConnectionOptions): BoxConnection {
  let app: Promise<ConnectedApp> | undefined
  const connect = (): Promise<ConnectedApp> => {
    /** Credentials that were refused are read again for the next call: they may have been replaced. */
    const forget = () => {
      if (app === connecting) app = undefined
    }
    // The SDK takes long to load, and what never calls Box does without it.
    const connecting = import('./connected-app.ts').then(({ connectApp }) => connectApp(options, forget))
    connecting.catch(forget)
    return connecting
  }
  const load = async (run: BoxRun): Promise<BoxClient> => {
    app ??= connect()
    return (await app).clientFor(run)
  }
  const box = (run: BoxRun): Box => {
    let client: Promise<BoxClient> | undefined
    return lazyBox(() => {
      client ??= load(run)
      return client
    })
  }
  return { box, targetOf: createTargetLookup(box, options) }
}

function createTargetLookup(
  box: BoxConnection['box'],
  { now, log: ownLog }: BoxConnectionOptions,
): TargetLookup {
  const lookups = new Map<string, SharedCall<Target | undefined>>()
  const known = new Map<string, { readonly target: Target; readonly at: number }>()
  return async (webhookId, { log = ownLog, signal } = {}) => {
    const found = known.get(webhookId)
    if (found && now() - found.at < TARGET_FRESH_MS) return found.target
    const lookup = lookups.get(webhookId) ?? new SharedCall()
    lookups.set(webhookId, lookup)
    return lookup.join(signal, async shared => {
      const target = await lookUpTarget(box({ log, signal: shared }), webhookId)
      // A webhook that Box does not know may be seconds old, so that is not kept.
      if (target) known.set(webhookId, { target, at: now() })
      return target
    })
  }
}

async function lookUpTarget(box: Box, webhookId: string): ReturnType<TargetLookup> {
  try {
    const { target } = await box.webhooks.getWebhookById(webhookId)
    const type = target?.type
    if (!target?.id || (type !== 'file' && type !== 'folder')) return undefined
    return { type, id: target.id }
  } catch (error) {
    if (isBoxError(error, 404)) return undefined
    throw error
  }
}

/** Stands in for a client that is not loaded yet: `box.files.getFileById(…)` loads it, then makes the call. */
function lazyBox(load: () => Promise<BoxClient>): Box {
  const derive = (method: string, args: readonly unknown[]): Box =>
    lazyBox(async () => invoke<BoxClient>(await load(), method, args))
  const property = (_: object, name: string | symbol): unknown => {
    if (typeof name === 'symbol' || name === 'then') return undefined
    if (name === 'asUser') return (userId: string) => derive('withAsUserHeader', [userId])
    if (name.startsWith('with')) return (...args: unknown[]) => derive(name, args)
    const direct = async (...args: unknown[]) => invoke(await load(), name, args)
    return new Proxy(direct, {
      get: (_direct, method) =>
        // A manager is no promise, or awaiting one by mistake would call it.
        typeof method === 'symbol' || method === 'then'
          ? undefined
          : async (...args: unknown[]) => invoke(Reflect.get(await load(), name), method, args),
    })
  }
  // The one place where a type is asserted: the proxy has, by construction, whatever the client has.
  return new Proxy({}, { get: property }) as Box
}

function invoke<R>(on: object, method: string, args: readonly unknown[]): R {
  const fn: unknown = Reflect.get(on, method)
  if (typeof fn !== 'function') throw new TypeError(`The Box client has no method ${method}.`)
  return Reflect.apply(fn, on, args)
}
