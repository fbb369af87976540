// The page of the local stack. All content goes in as text, never as markup.

const byId = id => document.getElementById(id)
const events = new Map()
let opened

/** Makes an element with text or children. */
function make(tag, content, properties = {}) {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...(Array.isArray(content) ? content : [String(content ?? '')]))
  return element
}

const quiet = text => make('span', text, { className: 'quiet' })
const button = (text, onclick) => make('button', text, { type: 'button', onclick })
const plural = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`
const clock = ms => new Date(ms).toLocaleTimeString()

/** Fills a list, or says that there is nothing in it. */
const fill = (id, items, nothing) =>
  byId(id).replaceChildren(...(items.length > 0 ? items : [make('li', nothing, { className: 'quiet' })]))

async function get(path) {
  const response = await fetch(path)
  if (response.ok) return response.json()
  const { message = `${path} answered ${response.status}.` } = await response.json().catch(() => ({}))
  throw new Error(message)
}

function say(message) {
  byId('message').textContent = message
  byId('message').hidden = message === ''
}

async function act(name, input = {}) {
  const response = await fetch(`/_local/actions/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  })
  const { message = '' } = await response.json().catch(() => ({}))
  say(response.ok ? '' : message || `This did not work: ${response.status}.`)
  await showState()
}

async function showState() {
  const { files, folders, collaborations, webhooks, queue, deadLetters } = await get('/_local/state')
  const folderName = id => folders.find(folder => folder.id === id)?.name ?? id
  byId('files').replaceChildren(
    ...files.map(({ id, name, parentId, link }) =>
      make('li', [
        make('span', [name, quiet(` in ${folderName(parentId)}`)], { className: 'name' }),
        make('span', link ? 'shared link' : 'no link', { className: link ? 'link' : 'quiet' }),
        make(
          'span',
          [
            button('Share', () => act('share', { file: id })),
            button('Download', () => act('download', { file: id })),
          ],
          { className: 'buttons' },
        ),
      ]),
    ),
  )
  fill(
    'collaborations',
    collaborations.map(({ login, item }) => make('li', [login, quiet(` on ${folderName(item.id)}`)])),
    'none',
  )
  fill(
    'webhooks',
    webhooks.map(({ target, triggers }) =>
      make('li', [`${target.type} ${folderName(target.id)}: `, quiet(triggers.join(', '))]),
    ),
    'none',
  )
  byId('state').textContent =
    `queue: ${queue.waiting} waiting, ${queue.inFlight} in flight, ${queue.delayed} delayed · ` +
    plural(deadLetters.waiting, 'dead letter')
}

function showEvents() {
  const newest = [...events.values()].sort((a, b) => b.firstAt - a.firstAt)
  byId('none').hidden = newest.length > 0
  byId('list').hidden = newest.length === 0
  byId('events').replaceChildren(...newest.map(rowOf))
}

const rowOf = ({ eventId, trigger, firstAt, item, deliveries, answer, status }) =>
  make(
    'tr',
    [
      make('td', clock(firstAt), { className: 'time' }),
      make('td', [button(trigger === 'unknown' ? eventId : trigger, () => open(eventId))], {
        className: 'trigger',
      }),
      make('td', item, { className: 'item' }),
      make('td', [`${answer || 'none'}`, quiet(deliveries > 1 ? ` last of ${deliveries}` : '')], {
        className: 'answer',
      }),
      make('td', status, { className: `status ${status}` }),
    ],
    { className: eventId === opened ? 'opened' : '' },
  )

async function open(eventId) {
  opened = eventId
  say('')
  showEvents()
  await showDetails()
  byId('details').scrollIntoView({ block: 'nearest' })
}

async function showDetails() {
  if (!opened) return
  const wanted = opened
  const entry = await get(`/_local/events/${encodeURIComponent(wanted)}`)
  // Another one may have been opened meanwhile.
  if (wanted !== opened) return
  byId('details').hidden = false
  byId('details-title').textContent = `${entry.trigger} ${entry.item}`
  byId('details-id').textContent = `event ${entry.eventId}`
  showTimeline(entry)
  fill('runs', Object.entries(entry.record?.runs ?? {}).map(runOf), 'none')
  fill('calls', entry.lines.filter(({ event }) => event === 'box_call').map(callOf), 'none')
  showDeliveries(entry.deliveries)
  byId('log').textContent = entry.lines.map(logLine).join('\n')
}

function runOf([name, run]) {
  const why = run.reason ?? run.error?.message ?? ''
  const text = `${run.status} after ${plural(run.attempts, 'attempt')}${why ? `: ${why}` : ''}`
  return make('li', [`${name}: `, make('span', text, { className: run.status })])
}

const callOf = ({ method, path, status, ms, automation }) =>
  make('li', [
    `${method} ${path} → `,
    make('span', status || 'no answer', { className: status >= 200 && status < 300 ? 'done' : 'dead' }),
    quiet(` ${ms} ms${automation ? `, ${automation}` : ''}`),
  ])

function showTimeline({ deliveries, lines }) {
  const steps = [
    ...deliveries.flatMap(({ at, ms, attempt, status, answer }) => [
      { at, text: attempt === 0 ? 'posted' : `delivered by Box${attempt > 1 ? `, attempt ${attempt}` : ''}` },
      { at: at + ms, text: `answered ${status || 'nothing'} ${verdict(answer)}`, refused: status !== 202 },
    ]),
    ...lines.map(line => ({
      at: Date.parse(line.time),
      text: describe(line),
      refused: line.level === 'error',
    })),
  ].sort((a, b) => a.at - b.at)
  const start = steps[0]?.at ?? 0
  byId('timeline').replaceChildren(
    ...steps.map(({ at, text, refused }) =>
      make('li', [
        make('time', `+${at - start} ms`),
        make('span', text, { className: refused ? 'dead' : '' }),
      ]),
    ),
  )
}

/** What the engine's log events are to a reader; the others say it themselves. */
const SAID = {
  delivery_accepted: ({ key }) => `verified with the ${key} key, and queued`,
  run_started: ({ attempt }) => `run started, attempt ${attempt}`,
  run_done: ({ ms }) => `run done after ${ms} ms`,
  box_call: ({ method, path, status, ms }) => `${method} ${path} → ${status || 'no answer'}, ${ms} ms`,
  event_finished: ({ status }) => `event finished: ${status}`,
  event_duplicate: () => 'event duplicate: finished before, so nothing is done',
}

function describe(line) {
  const { event, automation, attempt, code, reason, message, delaySeconds } = line
  const details = [
    attempt !== undefined && `attempt ${attempt}`,
    code,
    reason,
    message,
    delaySeconds !== undefined && `again in ${delaySeconds} s`,
  ].filter(Boolean)
  const plain = `${event.replaceAll('_', ' ')}${details.length > 0 ? ` (${details.join(', ')})` : ''}`
  return `${automation ? `${automation}: ` : ''}${Object.hasOwn(SAID, event) ? SAID[event](line) : plain}`
}

/** Draws the deliveries anew only when there is another one: those opened to be read stay open. */
let drawn = ''
function showDeliveries(deliveries) {
  const ids = JSON.stringify([
    opened,
    deliveries.map(({ deliveryId, at, attempt }) => [deliveryId, at, attempt]),
  ])
  if (ids === drawn) return
  drawn = ids
  byId('deliveries').replaceChildren(...deliveries.map(deliveryOf))
}

const deliveryOf = ({ deliveryId, headers, body, status, answer }) =>
  make('details', [
    make('summary', [
      make('span', `${status || 'no answer'} ${verdict(answer)}`, {
        className: status === 202 ? 'done' : 'dead',
      }),
      quiet(` delivery ${deliveryId || 'without an id'}`),
    ]),
    make('h4', 'Answer'),
    make('pre', pretty(answer)),
    make('h4', 'Headers'),
    make(
      'pre',
      Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}`)
        .join('\n'),
    ),
    make('h4', 'Body'),
    make('pre', pretty(body)),
  ])

function logLine({ time, level, event, function: fn, eventId: _, ...fields }) {
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return [time.slice(11, 23), level.padEnd(5), fn.padEnd(8), event, ...rest].join(' ')
}

function verdict(answer) {
  try {
    return JSON.parse(answer).code ?? ''
  } catch {
    return ''
  }
}

function pretty(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    return body
  }
}

byId('upload').onclick = () =>
  act('upload', { name: `report ${new Date().toISOString().slice(11, 19).replaceAll(':', '')}.txt` })
byId('invite').onclick = () => act('invite')
byId('bad-signature').onclick = () => act('bad-signature')
byId('deliver-again').onclick = () => act('deliver-again', { event: opened })

/** Redraws soon after a change, once for many. */
const drawing = { timer: undefined }
function redraw() {
  drawing.timer ??= setTimeout(async () => {
    drawing.timer = undefined
    showEvents()
    await Promise.all([showState(), showDetails()]).catch(error => say(error.message))
  }, 60)
}

const stream = new EventSource('/_local/stream')
stream.addEventListener('hello', async () => {
  // A stack that was started anew knows nothing of what was before.
  events.clear()
  for (const event of await get('/_local/events')) events.set(event.eventId, event)
  if (!events.has(opened)) {
    opened = undefined
    byId('details').hidden = true
  }
  say('')
  redraw()
})
stream.addEventListener('event', ({ data }) => {
  const event = JSON.parse(data)
  events.set(event.eventId, event)
  redraw()
})
stream.onerror = () => {
  byId('state').textContent = 'the stack is stopped; waiting for it to come back …'
}
