import type { Hono } from 'hono'
import { isObject, parseObject } from '../../lib/json.ts'
import { type ApiContext, type ApiEnv, actorOf, answer, bodyOf, countIn, idIn, textIn } from './answers.ts'
import type { Content } from './content.ts'
import type { Access } from './items.ts'
import { invalidParameter } from './refusal.ts'
import { wireItem, wireMini } from './wire.ts'

/** Users, files and folders. */
export function itemRoutes(app: Hono<ApiEnv>, content: Content): void {
  app.get('/2.0/users/me', c => answer(c, actorOf(c, content)))
  app.get('/2.0/users/:id', c => answer(c, content.user(c.req.param('id'))))
  fileRoutes(app, content)
  uploadRoutes(app, content)
  folderRoutes(app, content)
}

function fileRoutes(app: Hono<ApiEnv>, content: Content): void {
  app.get('/2.0/files/:id', c => answer(c, wireItem(content, content.file(c.req.param('id')))))
  app.get('/2.0/files/:id/content', c => {
    const bytes = Uint8Array.from(content.downloadFile(c.req.param('id'), actorOf(c, content)))
    return c.body(bytes, 200, { 'content-type': 'application/octet-stream' })
  })
  app.put('/2.0/files/:id', async c => {
    const change = changeIn(await bodyOf(c))
    return answer(c, wireItem(content, content.updateFile(c.req.param('id'), change, actorOf(c, content))))
  })
  app.post('/2.0/files/:id/copy', async c => {
    const body = await bodyOf(c)
    const name = body.name === undefined ? {} : { name: textIn(body, 'name') }
    const copy = { parentId: idIn(body, 'parent'), ...name, by: actorOf(c, content) }
    return answer(c, wireItem(content, content.copyFile(c.req.param('id'), copy)), 201)
  })
  app.delete('/2.0/files/:id', c => {
    content.trashFile(c.req.param('id'), actorOf(c, content))
    return c.body(null, 204)
  })
}

/** What a body asks to change of a file; `"shared_link": null` removes the link. */
function changeIn(body: Record<string, unknown>): Parameters<Content['updateFile']>[1] {
  const { name, parent, shared_link: link } = body
  return {
    ...(name === undefined ? {} : { name: textIn(body, 'name') }),
    ...(parent === undefined ? {} : { parentId: idIn(body, 'parent') }),
    ...(link === null ? { sharedLink: null } : isObject(link) ? { sharedLink: accessOf(link.access) } : {}),
  }
}

function accessOf(access: unknown): { access?: Access } {
  if (access === undefined || access === null) return {}
  if (access === 'open' || access === 'company' || access === 'collaborators') return { access }
  throw invalidParameter('shared_link.access', `Invalid value '${String(access)}'`)
}

/** Uploads go to another host of Box's, under a path of their own. */
function uploadRoutes(app: Hono<ApiEnv>, content: Content): void {
  app.post('/api/2.0/files/content', async c => {
    const { attributes, bytes } = await uploadIn(c)
    const by = actorOf(c, content)
    const [name, parentId] = [textIn(attributes, 'name'), idIn(attributes, 'parent')]
    const uploaded = content.createFile({ parentId, name, content: bytes, by })
    return answer(c, { total_count: 1, entries: [wireItem(content, uploaded)] }, 201)
  })
  app.post('/api/2.0/files/:id/content', async c => {
    const { bytes } = await uploadIn(c)
    const uploaded = content.uploadVersion(c.req.param('id'), bytes, actorOf(c, content))
    return answer(c, { total_count: 1, entries: [wireItem(content, uploaded)] }, 201)
  })
}

async function uploadIn(c: ApiContext): Promise<{ attributes: Record<string, unknown>; bytes: Uint8Array }> {
  const form = await c.req.formData().catch(() => new FormData())
  const attributes = parseObject(String(form.get('attributes')))
  const file = form.get('file')
  if (!attributes) throw invalidParameter('attributes', "'attributes' must be a JSON object")
  if (!(file instanceof Blob)) throw invalidParameter('file', "'file' is required")
  return { attributes, bytes: new Uint8Array(await file.arrayBuffer()) }
}

function folderRoutes(app: Hono<ApiEnv>, content: Content): void {
  app.post('/2.0/folders', async c => {
    const body = await bodyOf(c)
    const by = actorOf(c, content)
    const folder = content.createFolder({ name: textIn(body, 'name'), parentId: idIn(body, 'parent'), by })
    return answer(c, wireItem(content, folder), 201)
  })
  app.get('/2.0/folders/:id', c => {
    const folder = content.folder(c.req.param('id'))
    const items = content.items(folder.id)
    const entries = items.slice(0, 100).map(wireMini)
    const collection = { total_count: items.length, entries, offset: 0, limit: 100 }
    return answer(c, { ...wireItem(content, folder), item_collection: collection })
  })
  app.get('/2.0/folders/:id/items', c => {
    const items = content.items(content.folder(c.req.param('id')).id)
    const offset = countIn(c, 'offset', 0)
    const limit = Math.min(countIn(c, 'limit', 100), 1000)
    const entries = items.slice(offset, offset + limit).map(item => wireItem(content, item))
    return answer(c, { total_count: items.length, entries, offset, limit })
  })
}
