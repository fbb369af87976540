import { readFile } from 'node:fs/promises'
import { Hono } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import type { Ledger } from '../lib/ledger.ts'
import type { Aws } from './aws.ts'
import { BoxRefusal, wireItem } from './box/content.ts'
import type { EmulatedBox } from './box/emulated-box.ts'
import type { EventEntry, Journal } from './journal.ts'
import { type Lambda, LambdaFailure } from './lambda.ts'

export type SiteParts = {
  readonly box: EmulatedBox
  readonly journal: Journal
  readonly ledger: Ledger
  readonly aws: Pick<Aws, 'depth' | 'queueUrl' | 'deadLetterQueueUrl'>
  /** Answers everything that is neither the page's nor Box's: the front door. */
  readonly gateway: (request: Request) => Promise<Response>
  /** The functions by their names, to be invoked as Lambda's own API does it. */
  readonly functions: ReadonlyMap<string, Pick<Lambda, 'invoke'>>
}

/** Answers every request to the local stack. */
export type Site = (request: Request) => Response | Promise<Response>

const PAGE_FOLDER = new URL('inspector/', import.meta.url)
const SECURITY = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/** The one origin of the local stack: the page and its data, the emulated Box's API, and the front door. */
export async function createSite(parts: SiteParts): Promise<Site> {
  const app = new Hono()
  const page = new Hono()
  page.use(async (c, next) => {
    if (!isOurs(c.req.header('host'), c.req.header('origin')))
      return c.text('This page is only for this machine.', 403)
    await next()
    for (const [name, value] of Object.entries(SECURITY)) c.res.headers.set(name, value)
    return undefined
  })
  await pageFiles(page)
  pageData(page, parts)
  pageActions(page, parts)
  lambdaApi(page, parts)
  app.route('/', page)
  for (const path of ['/2.0/*', '/api/2.0/*', '/oauth2/token']) app.all(path, c => parts.box.fetch(c.req.raw))
  app.all('*', c => parts.gateway(c.req.raw))
  return request => app.fetch(request)
}

/**
 * A page elsewhere can make a browser ask here, under a name of its own that leads here (DNS rebinding) or under ours: only
 * names of this machine are answered, and only this very page's requests.
 */
function isOurs(host = '', origin?: string): boolean {
  if (!/^(localhost|127\.0\.0\.1)(:\d+)?$/.test(host)) return false
  return origin === undefined || origin === `http://${host}`
}

async function pageFiles(page: Hono): Promise<void> {
  const files = [
    ['/', 'page.html', 'text/html; charset=utf-8'],
    ['/_local/page.js', 'page.js', 'text/javascript; charset=utf-8'],
    ['/_local/page.css', 'page.css', 'text/css; charset=utf-8'],
  ] as const
  for (const [path, file, type] of files)
    page.get(path, async c =>
      c.body(await readFile(new URL(file, PAGE_FOLDER)), 200, { 'content-type': type }),
    )
}

function pageData(page: Hono, { journal, ledger, box, aws }: SiteParts): void {
  page.get('/_local/events', c => c.json(journal.events.map(summaryOf)))
  page.get('/_local/events/:id', async c => {
    const entry = journal.event(c.req.param('id'))
    if (!entry) return c.json({ message: 'This event is not known (any more).' }, 404)
    const record = await ledger.read(entry.eventId)
    const { payload, ...kept } = record ?? {}
    return c.json({ ...entry, record: record ? kept : null })
  })
  page.get('/_local/state', async c =>
    c.json({
      folders: [...box.content.folders.values()].map(({ id, name, parentId }) => ({ id, name, parentId })),
      files: [...box.content.files.values()]
        .filter(({ trashed }) => !trashed)
        .map(file => ({
          id: file.id,
          name: file.name,
          parentId: file.parentId,
          link: file.sharedLink?.url ?? null,
        })),
      collaborations: [...box.content.collaborations.values()].map(({ id, login, item }) => ({
        id,
        login,
        item,
      })),
      webhooks: [...box.webhooks.all.values()].map(({ id, target, triggers }) => ({ id, target, triggers })),
      queue: await aws.depth(aws.queueUrl),
      deadLetters: await aws.depth(aws.deadLetterQueueUrl),
    }),
  )
  page.get('/_local/stream', c =>
    streamSSE(c, async stream => {
      const unsubscribe = journal.subscribe(entry => void send(stream, entry))
      await stream.writeSSE({ event: 'hello', data: '{}' })
      await new Promise<void>(resolve => stream.onAbort(resolve))
      unsubscribe()
    }),
  )
}

const send = (stream: SSEStreamingApi, entry: EventEntry): Promise<void> =>
  stream.writeSSE({ event: 'event', data: JSON.stringify(summaryOf(entry)) })

/** What the list shows of an event. */
function summaryOf({ eventId, trigger, item, firstAt, status, deliveries }: EventEntry) {
  return {
    eventId,
    trigger,
    firstAt,
    status,
    deliveries: deliveries.length,
    answer: deliveries.at(-1)?.status ?? null,
    item,
  }
}

type Action = (box: EmulatedBox, input: Readonly<Record<string, string>>) => unknown

const ACTIONS: Readonly<Record<string, Action>> = {
  upload: ({ content }, { name = 'new file.txt', folder = '100001' }) =>
    wireItem(content, content.uploadFile({ parentId: folder, name, content: `uploaded ${name}` })),
  share: ({ content }, { file = '' }) =>
    wireItem(content, content.updateFile(file, { sharedLink: { access: 'open' } })),
  download: ({ content }, { file = '' }) => ({ bytes: content.downloadFile(file).length }),
  invite: ({ content }, { login = 'ellis@elsewhere.example', folder = '100001' }) =>
    content.addCollaboration({ item: { type: 'folder', id: folder }, login, role: 'editor' }),
  'deliver-again': (box, { event = '' }) => box.deliverAgain(event, { retry: false }),
  'clean-up': (box, { webhook = '' }) => box.cleanUp(webhook),
  'bad-signature': ({ sent, deliveries }) => {
    const outgoing = sent.at(-1)
    if (!outgoing) throw new BoxRefusal(404, 'not_found', 'Make something happen first, such as a download.')
    return deliveries.send(outgoing, { retry: false, keys: { primary: 'forged', secondary: 'forged' } })
  },
}

function pageActions(page: Hono, { box }: SiteParts): void {
  page.post('/_local/actions/:name', async c => {
    const action = Object.hasOwn(ACTIONS, c.req.param('name')) ? ACTIONS[c.req.param('name')] : undefined
    if (!action) return c.json({ message: 'There is no such action.' }, 404)
    const json: unknown = await c.req.json().catch(() => ({}))
    const input = Object.fromEntries(
      Object.entries(json instanceof Object ? json : {}).map(([key, value]) => [key, String(value)]),
    )
    try {
      await action(box, input)
      return c.json({ message: 'Done.' })
    } catch (error) {
      if (!(error instanceof BoxRefusal)) throw error
      return c.json({ message: error.message }, 400)
    }
  })
}

/**
 * Invokes a function and waits for what it returns.
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
function lambdaApi(page: Hono, { functions }: SiteParts): void {
  page.post('/2015-03-31/functions/:name/invocations', async c => {
    const called = functions.get(c.req.param('name'))
    if (!called)
      return c.json({ Type: 'User', Message: `Function not found: ${c.req.param('name')}` }, 404, {
        'x-amzn-errortype': 'ResourceNotFoundException',
      })
    const payload: unknown = await c.req.json().catch(() => ({}))
    try {
      return c.json(await called.invoke(payload))
    } catch (error) {
      if (!(error instanceof LambdaFailure)) throw error
      return c.json({ errorType: 'Error', errorMessage: error.message }, 200, {
        'x-amz-function-error': 'Unhandled',
      })
    }
  })
}
