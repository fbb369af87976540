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

const clock = ms => new Date(ms).toLocaleTimeString()

async function get(path) {
  const response = await fetch(path)
  if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  return response.json()
}

async function act(name, input = {}) {
  const response = await fetch(`/_local/actions/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  })
  const { message } = await response.json()
  byId('message').textContent = response.ok ? '' : message
  await showState()
}

async function showState() {
  const { files, folders, webhooks, queue, deadLetters } = await get('/_local/state')
  const folderName = id => folders.find(folder => folder.id === id)?.name ?? id
  byId('files').replaceChildren(
    ...files.map(({ id, name, parentId, link }) =>
      make('li', [
        make('span', [name, make('span', ` in ${folderName(parentId)}`, { className: 'quiet' })], {
          className: 'name',
        }),
        make('span', link ? 'shared link' : 'no link', { className: 'quiet' }),
        make('button', 'Share', { type: 'button', onclick: () => act('share', { file: id }) }),
        make('button', 'Download', { type: 'button', onclick: () => act('download', { file: id }) }),
      ]),
    ),
  )
  byId('webhooks').replaceChildren(
    ...webhooks.map(({ id, target, triggers }) =>
      make('li', `${id} on ${target.type} ${folderName(target.id)}: ${triggers.join(', ')}`),
    ),
  )
  byId('state').textContent =
    `queue ${queue.waiting} waiting, ${queue.inFlight + queue.delayed} in flight or delayed; ` +
    `${deadLetters.waiting} dead letters`
}

function showEvents() {
  const newest = [...events.values()].sort((a, b) => b.firstAt - a.firstAt)
  byId('none').hidden = newest.length > 0
  byId('events').replaceChildren(
    ...newest.map(event =>
      make('tr', [
        make('td', clock(event.firstAt), { className: 'time' }),
        make('td', [make('button', event.trigger, { type: 'button', onclick: () => open(event.eventId) })], {
          className: 'trigger',
        }),
        make('td', event.item),
        make('td', `${event.deliveries} (last ${event.answer ?? '–'})`),
        make('td', event.status, { className: `status ${event.status}` }),
      ]),
    ),
  )
}

async function open(eventId) {
  opened = eventId
  await showDetails()
  byId('details').scrollIntoView({ block: 'nearest' })
}

async function showDetails() {
  if (!opened) return
  const entry = await get(`/_local/events/${encodeURIComponent(opened)}`)
  byId('details').hidden = false
  byId('details-title').textContent = `${entry.trigger} ${entry.eventId}`
  showTimeline(entry)
  const runs = Object.entries(entry.record?.runs ?? {})
  byId('runs').replaceChildren(
    ...runs.map(([name, run]) => {
      const why = run.reason ?? run.error?.message ?? ''
      const text = `${run.status} after ${run.attempts} attempt${run.attempts === 1 ? '' : 's'}${why ? `: ${why}` : ''}`
      return make('li', [`${name}: `, make('span', text, { className: run.status })])
    }),
  )
  byId('deliveries').replaceChildren(...entry.deliveries.map(deliveryOf))
  byId('log').textContent = entry.lines.map(line => JSON.stringify(line)).join('\n')
}

function showTimeline(entry) {
  const steps = [
    ...entry.deliveries.map(({ at, attempt, status, ms }) => ({
      at,
      text: `${attempt > 1 ? `delivered, attempt ${attempt}` : 'delivered'}: answered ${status || 'nothing'} after ${ms} ms`,
    })),
    ...entry.lines.map(line => ({ at: Date.parse(line.time), text: describe(line) })),
  ].sort((a, b) => a.at - b.at)
  const start = steps[0]?.at ?? 0
  byId('timeline').replaceChildren(
    ...steps.map(({ at, text }) => make('li', [make('time', `+${at - start} ms`), text])),
  )
}

function describe({
  event,
  automation,
  attempt,
  code,
  method,
  path,
  status,
  ms,
  delaySeconds,
  key,
  reason,
  message,
}) {
  const run = automation ? `${automation}: ` : ''
  const details = [
    method && `${method} ${path} → ${status}`,
    key && `matched the ${key} key`,
    attempt !== undefined && `attempt ${attempt}`,
    code,
    reason,
    message,
    delaySeconds !== undefined && `again in ${delaySeconds} s`,
    ms !== undefined && `${ms} ms`,
  ].filter(Boolean)
  return `${run}${event.replaceAll('_', ' ')}${details.length > 0 ? ` (${details.join(', ')})` : ''}`
}

function deliveryOf({ deliveryId, headers, body, status, answer }) {
  const box = make('details', [
    make(
      'summary',
      `${status || 'no answer'} ${verdict(answer)} – delivery ${deliveryId || 'without an id'}`,
    ),
    make(
      'pre',
      Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}`)
        .join('\n'),
    ),
    make('pre', pretty(body)),
    make('pre', `answer: ${answer}`),
  ])
  return box
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
let _drawing
function redraw() {
  _drawing ??= setTimeout(async () => {
    _drawing = undefined
    showEvents()
    await Promise.all([showState(), showDetails()])
  }, 60)
}

const stream = new EventSource('/_local/stream')
stream.addEventListener('hello', async () => {
  for (const event of await get('/_local/events')) events.set(event.eventId, event)
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
