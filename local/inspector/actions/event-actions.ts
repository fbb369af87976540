import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseObject } from '../../../lib/base/json.ts'
import { isTrigger } from '../../../lib/event/event.ts'
import { BENDS, isBendName, sendTwice } from '../../box/actions/scenarios.ts'
import type { EmulatedBox } from '../../box/emulated-box.ts'
import { wireBody } from '../../box/events/payload.ts'
import { isWireObject } from '../../box/events/shapes.ts'
import { BODY_CHARACTERS_MAX, type EventEntry, type Journal } from '../../journal.ts'
import type { Action, ActionInput } from './action.ts'
import { ActionRefused } from './action.ts'

export type EventParts = {
  readonly box: EmulatedBox
  readonly journal: Journal
  readonly webhookUrl: string
  /** The folder that fixtures are saved in, and how it is called from the repository's root. */
  readonly fixtures: { readonly path: string; readonly shown: string }
}

/** What is done with one event, or with one of the user's own making. */
export function eventActions(parts: EventParts): Readonly<Record<string, Action>> {
  const { box, journal } = parts
  return {
    async 'deliver-again'({ event = '' }) {
      const { status } = await box.deliverAgain(event, { retry: false })
      return { message: `Delivered again, and answered ${status || 'nothing'}.`, eventId: event }
    },
    async 'deliver-twice'({ event = '' }) {
      const outgoing = box.sent.findLast(({ eventId }) => eventId === event)
      if (!outgoing) throw new ActionRefused(`The event ${event} is not kept any more.`)
      const answers = await sendTwice(box.deliveries, outgoing, randomUUID())
      const told = answers.map(({ status }) => status || 'nothing').join(' and ')
      return { message: `The same request arrived twice at once, and was answered ${told}.`, eventId: event }
    },
    async send(input) {
      const { body, trigger } = customBody(input)
      const name = input.bend ?? 'none'
      if (!isBendName(name)) throw new ActionRefused(`There is no way to bend a delivery called ${name}.`)
      const bend = BENDS[name](box.keys, wireBody(body))
      const sent = await box.sendCustom({ address: parts.webhookUrl, body }, { ...bend, retry: false })
      return {
        message: `${trigger} was sent, and answered ${sent.status || 'nothing'}.`,
        eventId: sent.eventId,
      }
    },
    async 'save-fixture'({ event = '' }) {
      const entry = journal.event(event)
      if (!entry) throw new ActionRefused('This event is not known any more.')
      const file = await saveFixture(entry, parts)
      return { message: `Saved as ${file}. Read it with readFile in a test.`, eventId: event }
    },
  }
}

/** The body as Box writes it, with a new id where that is wanted. What has no id is sent without one, as Box may do. */
function customBody({ body = '', fresh = 'true' }: ActionInput) {
  const payload = parseObject(body)
  if (!isWireObject(payload))
    throw new ActionRefused('The body must be a JSON object. Begin from a template.')
  const trigger = typeof payload.trigger === 'string' ? payload.trigger : 'An event without a trigger'
  return { body: fresh === 'true' && 'id' in payload ? { ...payload, id: randomUUID() } : payload, trigger }
}

/** Writes what an event's last delivery carried: the very bytes of the body, as a fixture needs them. */
async function saveFixture(entry: EventEntry, { fixtures }: EventParts): Promise<string> {
  const delivery = entry.deliveries.findLast(({ body }) => body !== '')
  if (!delivery) throw new ActionRefused('There is no body to be saved.')
  if (delivery.body.length > BODY_CHARACTERS_MAX)
    throw new ActionRefused('The body is too long: only its beginning is kept here.')
  const { trigger } = parseObject(delivery.body) ?? {}
  // The names come from outside; only what is one of Box's triggers becomes part of a file's name.
  const kind = typeof trigger === 'string' && isTrigger(trigger) ? trigger : 'delivery'
  const name = `${kind}-${entry.eventId.replaceAll(/[^\w-]/g, '').slice(0, 12)}.json`
  await mkdir(fixtures.path, { recursive: true })
  await writeFile(join(fixtures.path, name), delivery.body)
  return `${fixtures.shown}/${name}`
}
