import { randomUUID } from 'node:crypto'
import { attemptRun, type RunOutcome, refusedRun } from '../lib/automate/run.ts'
import { type Automation, bindSettings } from '../lib/automation/automation.ts'
import { askFilter } from '../lib/automation/filter.ts'
import { systemClock } from '../lib/base/clock.ts'
import { isObject } from '../lib/base/json.ts'
import { type Box, createBoxConnection } from '../lib/box/box.ts'
import { type BoxEvent, parseEvent } from '../lib/event/event.ts'
import { type SignatureKeys, sign } from '../lib/ingest/signature.ts'
import { FRESH_RUN } from '../lib/ledger/record.ts'
import { recordRoom } from '../lib/ledger/record-room.ts'
import { createLog } from '../lib/log/log.ts'
import { createEmulatedBox, type EmulatedBox } from '../local/box/emulated-box.ts'
import { type PayloadOverrides, samplePayload, shapeOf, wireBody } from '../local/box/events/payload.ts'
import type { WireObject } from '../local/box/events/shapes.ts'
import { isWireObject, type Shape } from '../local/box/events/shapes.ts'
import type { ApiCall } from '../local/box/routes/api.ts'
import type { Conditions } from '../local/box/state/conditions.ts'
import { serve } from '../local/serve.ts'

export { type StoredFile, wireCollaboration, wireItem } from '../local/box/state/content.ts'

/** An emulated Box on HTTP, and a way to run automations against it as automate does. */
export type Kit = {
  readonly box: EmulatedBox
  /** The client that automations get, bound to no run. */
  readonly client: Box
  /** Every call to Box's API so far, tokens left out. */
  readonly calls: ApiCall[]
  /** Every log line so far, as an object. */
  readonly lines: Record<string, unknown>[]
  /**
   * Runs an automation at an event.
   * @param event a payload, such as boxEvent() makes
   * @returns what became of it; its effects are in `box` and `calls`
   */
  run(automation: Automation, event: WireObject, settings?: Record<string, string>): Promise<KitOutcome>
  close(): Promise<void>
}

/** What became of an automation at an event: its own filter can leave the event alone. */
export type KitOutcome = RunOutcome | { readonly kind: 'skipped'; readonly reason: string }

export type KitOptions = {
  /** The Box app's secret; client credentials that fit the emulated Box by default. */
  readonly secret?: string
  /** Another Box than the emulated one. */
  readonly apiUrl?: string
  /** What Box does only at times, such as to make new content wait; also to be changed in `kit.box.conditions` later. */
  readonly conditions?: Partial<Conditions>
  /** Told of every call to the emulated Box and its answer, bodies included. */
  readonly onExchange?: (request: Request, response: Response) => Promise<void>
}

/**
 * Builds the payload of an event from what matters about it, in the shape that Box is known to send.
 *
 * A shape that is captured has come from Box. Of one that is from a receiver's code, from a guide or from the API description
 * fields may be missing or others; one that is a guess may be wrong altogether, and using it is warned of. `shape: 'captured'`
 * asks for what has come from Box; `shape: 'guess'` says that a guess will do. docs/payloads.md has all shapes.
 * @param trigger any trigger, also one that Box does not have
 * @throws Error where no shape of the trigger is known as `overrides.shape` says, or an override is of a field that the shape
 *   does not have: Box is not known to send it
 */
export function boxEvent(trigger: string, overrides: PayloadOverrides = {}): WireObject {
  const shape = shapeOf(trigger, overrides.shape)
  const { source, additional_info: info } = shape.payload
  refuseUnknown(shape, 'source', source, overrides.source)
  refuseUnknown(shape, 'additional_info', info, overrides.additionalInfo)
  if (shape.provenance === 'guess' && overrides.shape === undefined) warnOfGuess(trigger, shape)
  return samplePayload(trigger, overrides)
}

/** @throws Error that names the first field that is not one of the shape's */
function refuseUnknown(shape: Shape, path: string, usual: unknown, given: unknown): void {
  // Where the shape has nothing, anything may be: a link for instance.
  if (!isWireObject(given) || (usual === null && path !== 'source')) return
  for (const [name, value] of Object.entries(given)) {
    const field = `${path}.${name}`
    if (!isWireObject(usual) || !Object.hasOwn(usual, name))
      throw new Error(
        `Box is not known to send ${field} with ${shape.trigger} (${shape.provenance} ${shape.date}). Leave it out, or name a shape that has it; docs/payloads.md has them all.`,
      )
    refuseUnknown(shape, field, usual[name], value)
  }
}

const warned = new Set<string>()

function warnOfGuess(trigger: string, { source }: Shape): void {
  if (warned.has(trigger)) return
  warned.add(trigger)
  process.emitWarning(
    `What boxEvent('${trigger}') makes is a guess (${source}): nobody has shown what Box sends. Read such an event with care, and say { shape: 'guess' } to take this away.`,
    { type: 'BoxEventGuess' },
  )
}

/**
 * Puts the file or folder that an event is about into the emulated Box, in the folders that the event names, under the same
 * ids. What is there already stays as it is.
 */
export function putSource({ content }: EmulatedBox, event: WireObject): void {
  const source = isObject(event.source) ? event.source : {}
  const item = itemIn(source)
  let parentId = '0'
  for (const folder of [...pathEntries(source), source.parent].filter(isObject)) {
    const id = String(folder.id)
    if (!content.folders.has(id)) content.createFolder({ id, parentId, name: `Folder ${id}` })
    parentId = id
  }
  const { type, id, name, shared_link: link } = item
  if (typeof id !== 'string' || content.files.has(id) || content.folders.has(id)) return
  const itemName = typeof name === 'string' ? name : `Item ${id}`
  if (type === 'folder') content.createFolder({ id, parentId, name: itemName })
  if (type !== 'file') return
  content.createFile({ id, parentId, name: itemName, content: itemName })
  if (isObject(link)) content.updateFile(id, { sharedLink: { access: 'open' } })
}

/** What the source is about: its item, the item that a metadata instance names, or itself. */
function itemIn(source: Record<string, unknown>): Record<string, unknown> {
  if (isObject(source.item)) return source.item
  const [, type, id] = /^(file|folder)_(\d+)$/.exec(String(source.$parent)) ?? []
  return id === undefined ? source : { type, id }
}

const pathEntries = ({ path_collection: path }: Record<string, unknown>): readonly unknown[] =>
  isObject(path) && Array.isArray(path.entries) ? path.entries : []

/** Signs an event as Box delivers it: the body's bytes and all headers. */
export function signedDelivery(event: WireObject, keys: SignatureKeys, at = new Date()) {
  const body = wireBody(event)
  const timestamp = at.toISOString()
  const { primary, secondary } = keys
  const headers = {
    'content-type': 'application/json',
    'box-delivery-id': randomUUID(),
    'box-delivery-timestamp': timestamp,
    'box-signature-version': '1',
    'box-signature-algorithm': 'HmacSHA256',
    ...(primary ? { 'box-signature-primary': sign(body, timestamp, primary) } : {}),
    ...(secondary ? { 'box-signature-secondary': sign(body, timestamp, secondary) } : {}),
  }
  return { body, headers }
}

export async function startKit(options: KitOptions = {}): Promise<Kit> {
  const calls: ApiCall[] = []
  const lines: Record<string, unknown>[] = []
  const box = createEmulatedBox({
    clock: systemClock,
    newId: randomUUID,
    keys: { primary: 'kit-primary', secondary: 'kit-secondary' },
    fetch: async () => new Response(null, { status: 202 }),
    conditions: options.conditions ?? {},
    onCall: call => void (call.path === '/oauth2/token' || calls.push(call)),
  })
  const exchange = async (request: Request): Promise<Response> => {
    const copy = request.clone()
    const response = await box.fetch(request)
    await options.onExchange?.(copy, response.clone())
    return response
  }
  const server = await serve({ fetch: options.onExchange ? exchange : box.fetch, port: 0 })
  const log = createLog({ now: systemClock.now, write: line => lines.push(JSON.parse(line)), level: 'debug' })
  const secret =
    options.secret ??
    JSON.stringify({ clientId: 'local-client', clientSecret: 'local-secret', enterpriseId: '1' })
  const connection = createBoxConnection({
    secretsManager: () => ({ send: async () => ({ $metadata: {}, SecretString: secret }) }),
    secretId: 'box-app',
    apiUrl: options.apiUrl ?? server.url,
    now: systemClock.now,
    log,
  })
  return {
    box,
    client: connection.box({ log }),
    calls,
    lines,
    async run(automation, payload, settings = {}) {
      const [bound] = bindSettings([automation], settings)
      if (!bound) throw new Error('There is no automation to run.')
      const event = eventOf(payload)
      const deadline = systemClock.now() + 30_000
      const filter = await askFilter(bound, event, { clock: systemClock, log, deadline })
      if (filter.kind === 'skip') return { kind: 'skipped', reason: filter.reason }
      if (filter.kind === 'failed') return refusedRun(FRESH_RUN, filter.thrown).outcome
      const { outcome } = await attemptRun({
        bound,
        event,
        run: { ...FRESH_RUN, attempts: 1 },
        deadline,
        clock: systemClock,
        log,
        box: connection.box,
        keepStep: async () => {},
        stepsBytes: recordRoom({ [automation.name]: FRESH_RUN }, 0).stepsBytes,
      })
      return outcome
    },
    async close() {
      await box.close()
      await server.close()
    },
  }
}

function eventOf(payload: WireObject): BoxEvent {
  const parsed = parseEvent(wireBody(payload), { eventId: 'kit-event' })
  if (!parsed.ok) throw new Error(parsed.reason.message)
  return parsed.event
}
