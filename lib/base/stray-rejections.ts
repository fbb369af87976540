import { AsyncLocalStorage } from 'node:async_hooks'

/** The rejections of one run that nothing has handled. */
export type StrayRejections = {
  /** Reasons by promise, in the order in which they came. */
  readonly open: ReadonlyMap<Promise<unknown>, unknown>
}

type Strays = {
  readonly open: Map<Promise<unknown>, unknown>
  readonly onRejection: (reason: unknown) => void
}

const current = new AsyncLocalStorage<Strays>()
const owners = new WeakMap<Promise<unknown>, Strays>()

/**
 * Runs code so that a rejection that nothing handles is kept here, and does not end the process with
 * everything else that it works on. Rejections outside of such code end it as before.
 * @param onRejection called at each such rejection, also after the code has ended
 */
export function containRejections<R>(
  fn: () => Promise<R>,
  onRejection: (reason: unknown) => void,
): { readonly result: Promise<R>; readonly strays: StrayRejections } {
  listen()
  const strays: Strays = { open: new Map(), onRejection }
  return { result: current.run(strays, fn), strays }
}

/** Those who listened before, as Lambda's runtime does: it ends the process, so it hears only what is not a run's. */
const others = new Set<NodeJS.UnhandledRejectionListener>()

function listen(): void {
  const listeners = process.listeners('unhandledRejection')
  if (listeners.length === 1 && listeners[0] === onUnhandled) return
  for (const listener of listeners) if (listener !== onUnhandled) others.add(listener)
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', onUnhandled)
  process.off('rejectionHandled', onHandled).on('rejectionHandled', onHandled)
}

function onUnhandled(reason: unknown, promise: Promise<unknown>): void {
  const strays = current.getStore()
  if (strays) {
    strays.open.set(promise, reason)
    owners.set(promise, strays)
    strays.onRejection(reason)
    return
  }
  for (const listener of others) listener.call(process, reason, promise)
  // As Node does where nothing listens.
  if (others.size === 0) throw reason
}

const onHandled = (promise: Promise<unknown>): void => void owners.get(promise)?.open.delete(promise)
