import { type Context, Hono } from 'hono'
import { BoxRefusal, type Content, wireCollaboration, wireItem } from './content.ts'
import type { WireObject, WireValue } from './payload.ts'
import type { Tokens } from './tokens.ts'
import { isObject, type Webhooks, wireWebhook, wireWebhookMini } from './webhooks.ts'

/** One call to the API, and how it was answered. */
export type ApiCall = {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly method: string
  readonly path: string
  readonly asUser: string | undefined
  readonly status: number
  readonly requestId: string
}

/** Makes matching calls fail, the next `times` of them. */
export type Fault = {
  readonly method?: string
  readonly path?: RegExp
  times: number
  readonly status: number
  readonly code?: string
  readonly retryAfterSeconds?: number
}

export type ApiOptions = {
  readonly content: Content
  readonly webhooks: Webhooks
  readonly tokens: Tokens
  readonly faults: Fault[]
  readonly newId: () => string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly onCall: (call: ApiCall) => void
}

/** Box's API as far as automations and webhooks need it, at the paths of https://api.box.com. */
export function createApi(options: ApiOptions): Hono {
  const { content, webhooks, tokens, faults, newId, now, onCall } = options
  const app = new Hono()

  app.use(async (c, next) => {
    const requestId = newId()
    const at = now()
    const fault = takeFault(faults, c.req.method, c.req.path)
    if (fault) c.res = failure(faultRefusal(fault), requestId, fault.retryAfterSeconds)
    else if (c.req.path !== '/oauth2/token' && !tokens.isValid(c.req.header('authorization')))
      c.res = failure(new BoxRefusal(401, 'unauthorized', 'Unauthorized'), requestId)
    else await next()
    c.res.headers.set('box-request-id', requestId)
    const { method, path } = c.req
    onCall({ at, method, path, asUser: c.req.header('as-user'), status: c.res.status, requestId })
  })
  app.onError((error, c) => {
    if (error instanceof BoxRefusal) return failure(error, newId())
    return failure(new BoxRefusal(500, 'internal_server_error', error.message), c.req.path)
  })
  app.notFound(() => failure(new BoxRefusal(404, 'not_found', 'Not Found'), newId()))

  app.post('/oauth2/token', async c => {
    try {
      return c.json(tokens.grant(new URLSearchParams(await c.req.text())))
    } catch (error) {
      if (!(error instanceof BoxRefusal)) throw error
      return c.json({ error: error.code, error_description: error.message }, 400)
    }
  })
  app.get('/2.0/users/me', c => answer(c, content.owner))
  itemRoutes(app, content)
  collaborationRoutes(app, content)
  webhookRoutes(app, webhooks)
  return app
}

function itemRoutes(app: Hono, content: Content): void {
  app.get('/2.0/files/:id', c => answer(c, wireItem(content, content.file(c.req.param('id')))))
  app.get('/2.0/files/:id/content', c => {
    const bytes = Uint8Array.from(content.downloadFile(c.req.param('id')))
    return c.body(bytes, 200, { 'content-type': 'application/octet-stream' })
  })
  app.put('/2.0/files/:id', async c => {
    const body = await bodyOf(c)
    const link = body.shared_link
    const { name, parent } = body
    const file = content.updateFile(c.req.param('id'), {
      ...(typeof name === 'string' ? { name } : {}),
      ...(isObject(parent) && typeof parent.id === 'string' ? { parentId: parent.id } : {}),
      ...(link === null ? { sharedLink: null } : isObject(link) ? { sharedLink: accessOf(link.access) } : {}),
    })
    return answer(c, wireItem(content, file))
  })
  app.post('/2.0/files/:id/copy', async c => {
    const { parent, name } = await bodyOf(c)
    if (!isObject(parent) || typeof parent.id !== 'string')
      throw new BoxRefusal(400, 'bad_request', 'Parent is required')
    const input = { parentId: parent.id, ...(typeof name === 'string' ? { name } : {}) }
    return answer(c, wireItem(content, content.copyFile(c.req.param('id'), input)), 201)
  })
  app.delete('/2.0/files/:id', c => {
    content.trashFile(c.req.param('id'))
    return c.body(null, 204)
  })
  app.post('/api/2.0/files/content', async c => {
    const form = await c.req.formData()
    const attributes: unknown = JSON.parse(String(form.get('attributes')))
    const file = form.get('file')
    const { name, parent } = isObject(attributes) ? attributes : {}
    if (typeof name !== 'string' || !isObject(parent) || !(file instanceof Blob))
      throw new BoxRefusal(400, 'bad_request', 'Attributes (name, parent) and file are required')
    const bytes = new Uint8Array(await file.arrayBuffer())
    const uploaded = content.uploadFile({ parentId: String(parent.id), name, content: bytes })
    return answer(c, { total_count: 1, entries: [wireItem(content, uploaded)] }, 201)
  })
  app.post('/2.0/folders', async c => {
    const { name, parent } = await bodyOf(c)
    if (typeof name !== 'string' || !isObject(parent))
      throw new BoxRefusal(400, 'bad_request', 'Name and parent are required')
    const folder = content.createFolder({ name, parentId: String(parent.id) })
    return answer(c, wireItem(content, folder), 201)
  })
  app.get('/2.0/folders/:id', c => answer(c, wireItem(content, content.folder(c.req.param('id')))))
  app.get('/2.0/folders/:id/items', c => {
    const items = content.items(content.folder(c.req.param('id')).id)
    const offset = Number(c.req.query('offset') ?? 0)
    const limit = Math.min(Number(c.req.query('limit') ?? 100), 1000)
    const entries = items.slice(offset, offset + limit).map(item => wireItem(content, item))
    return answer(c, { total_count: items.length, entries, offset, limit })
  })
}

const accessOf = (access: unknown): { access?: 'open' | 'company' | 'collaborators' } =>
  access === 'open' || access === 'company' || access === 'collaborators' ? { access } : {}

function collaborationRoutes(app: Hono, content: Content): void {
  app.post('/2.0/collaborations', async c => {
    const { item, accessible_by: by, role } = await bodyOf(c)
    if (!isObject(item) || !isObject(by) || typeof role !== 'string')
      throw new BoxRefusal(400, 'bad_request', 'Item, accessible_by and role are required')
    const collaboration = content.addCollaboration({
      item: { type: item.type === 'file' ? 'file' : 'folder', id: String(item.id) },
      login: String(by.login ?? content.users.get(String(by.id))?.login ?? ''),
      role,
    })
    return answer(c, wireCollaboration(content, collaboration), 201)
  })
  app.get('/2.0/collaborations/:id', c =>
    answer(c, wireCollaboration(content, content.collaboration(c.req.param('id')))),
  )
  app.delete('/2.0/collaborations/:id', c => {
    content.removeCollaboration(c.req.param('id'))
    return c.body(null, 204)
  })
  app.get('/2.0/folders/:id/collaborations', c => {
    const { id } = content.folder(c.req.param('id'))
    const entries = [...content.collaborations.values()]
      .filter(({ item }) => item.id === id)
      .map(collaboration => wireCollaboration(content, collaboration))
    return answer(c, { total_count: entries.length, entries })
  })
}

function webhookRoutes(app: Hono, webhooks: Webhooks): void {
  app.get('/2.0/webhooks', c => {
    const limit = Math.min(Number(c.req.query('limit') ?? 100), 200)
    const start = Number(c.req.query('marker') ?? 0)
    const all = [...webhooks.all.values()]
    const next = start + limit < all.length ? String(start + limit) : undefined
    const entries = all.slice(start, start + limit).map(wireWebhookMini)
    return answer(c, { entries, limit, ...(next ? { next_marker: next } : {}) })
  })
  app.post('/2.0/webhooks', async c => answer(c, wireWebhook(webhooks.create(await bodyOf(c))), 201))
  app.get('/2.0/webhooks/:id', c => answer(c, wireWebhook(webhooks.webhook(c.req.param('id')))))
  app.put('/2.0/webhooks/:id', async c =>
    answer(c, wireWebhook(webhooks.update(c.req.param('id'), await bodyOf(c)))),
  )
  app.delete('/2.0/webhooks/:id', c => {
    webhooks.delete(c.req.param('id'))
    return c.body(null, 204)
  })
}

async function bodyOf(c: Context): Promise<Record<string, unknown>> {
  const body: unknown = await c.req.json().catch(() => undefined)
  if (!isObject(body)) throw new BoxRefusal(400, 'bad_request', 'Could not parse JSON')
  return body
}

const answer = (c: Context, body: WireObject, status: 200 | 201 = 200): Response =>
  c.body(JSON.stringify(body satisfies WireValue), status, { 'content-type': 'application/json' })

/** @see https://developer.box.com/reference/resources/client-error/ */
function failure(refusal: BoxRefusal, requestId: string, retryAfterSeconds?: number): Response {
  const { status, code, message, contextInfo } = refusal
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds)
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="Service", error="invalid_token"'
  const body = {
    type: 'error',
    status,
    code,
    message,
    help_url: 'https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/',
    request_id: requestId,
    ...(contextInfo ? { context_info: contextInfo } : {}),
  }
  return new Response(JSON.stringify(body), { status, headers })
}

function takeFault(faults: Fault[], method: string, path: string): Fault | undefined {
  const fault = faults.find(
    one =>
      one.times > 0 && (one.method ?? method) === method && (one.path === undefined || one.path.test(path)),
  )
  if (fault) fault.times -= 1
  return fault
}

const FAULT_CODES: Readonly<Record<number, string>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  429: 'rate_limit_exceeded',
  503: 'unavailable',
}

const faultRefusal = ({ status, code }: Fault): BoxRefusal =>
  new BoxRefusal(
    status,
    code ?? FAULT_CODES[status] ?? 'internal_server_error',
    `Answered ${status} on request`,
  )
