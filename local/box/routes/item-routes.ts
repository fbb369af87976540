import type { Hono } from 'hono'
import type { Clock } from '../../../lib/base/clock.ts'
import { isObject, parseObject } from '../../../lib/base/json.ts'
import { wireItem, wireLock, wireMini, wirePermissions } from '../events/wire.ts'
import type { Conditions } from '../state/conditions.ts'
import type { Content } from '../state/content.ts'
import type { Access, Item, ItemReference } from '../state/items.ts'
import type { ChangeClaim, OngoingChanges } from '../state/ongoing-changes.ts'
import { invalidParameter } from '../state/refusal.ts'
import {
  type ApiContext,
  type ApiEnv,
  actorOf,
  answer,
  bodyOf,
  countIn,
  idIn,
  notReady,
  textIn,
} from './answers.ts'

export type ItemRoutesOptions = {
  readonly content: Content
  readonly changes: OngoingChanges
  readonly clock: Clock
  readonly conditions: Readonly<Conditions>
}

/** Users, files and folders. */
export function itemRoutes(app: Hono<ApiEnv>, options: ItemRoutesOptions): void {
  const { content } = options
  app.get('/2.0/users/me', c => answer(c, actorOf(c, content)))
  app.get('/2.0/users', c => {
    const entries = [...content.users.values()]
    return answer(c, { total_count: entries.length, entries, offset: 0, limit: 1000 })
  })
  app.get('/2.0/users/:id', c => answer(c, content.user(c.req.param('id'))))
  fileRoutes(app, options)
  trashRoutes(app, content)
  uploadRoutes(app, options)
  folderRoutes(app, options)
}

function fileRoutes(app: Hono<ApiEnv>, { content, changes, clock, conditions }: ItemRoutesOptions): void {
  app.get('/2.0/files/:id', c => {
    const file = content.file(c.req.param('id'))
    const fields = c.req.query('fields')?.split(',') ?? []
    return answer(c, {
      ...wireItem(content, file),
      ...(fields.includes('lock') ? { lock: wireLock(file) } : {}),
      ...(fields.includes('permissions') ? { permissions: wirePermissions(file) } : {}),
    })
  })
  app.get('/2.0/files/:id/content', c => {
    const id = c.req.param('id')
    const waitMs = content.file(id).contentAt + conditions.contentDelayMs - clock.now()
    if (waitMs > 0) return notReady(waitMs / 1000)
    const bytes = Uint8Array.from(content.downloadFile(id, actorOf(c, content)))
    return c.body(bytes, 200, { 'content-type': 'application/octet-stream' })
  })
  app.put('/2.0/files/:id', async c => {
    const body = await bodyOf(c)
    const [id, by] = [c.req.param('id'), actorOf(c, content)]
    const change = changeIn(body)
    const file = await changes.make(claimOf(content.file(id), change), () => {
      if (isObject(body.lock)) content.lockFile(id, lockIn(body.lock), by)
      if (body.lock === null) content.unlockFile(id, by)
      return content.updateFile(id, change, by)
    })
    return answer(c, { ...wireItem(content, file), ...('lock' in body ? { lock: wireLock(file) } : {}) })
  })
  app.post('/2.0/files/:id/copy', async c => {
    const body = await bodyOf(c)
    const name = body.name === undefined ? {} : { name: textIn(body, 'name') }
    const copy = { parentId: idIn(body, 'parent'), ...name, by: actorOf(c, content) }
    const original = content.file(c.req.param('id'))
    const made = await changes.make(copyClaim(original, copy), () => content.copyFile(original.id, copy))
    return answer(c, wireItem(content, made), 201)
  })
  app.delete('/2.0/files/:id', async c => {
    const { type, id } = content.file(c.req.param('id'))
    await changes.make({ at: [{ type, id }] }, () => content.trashFile(id, actorOf(c, content)))
    return c.body(null, 204)
  })
}

type Change = Parameters<Content['updateFile']>[1]

/** What changing an item claims: a move or a new name holds the item and reserves the name, anything else just needs it. */
function claimOf(item: Item, { name = item.name, parentId = item.parentId }: Change): ChangeClaim {
  if (parentId === undefined || (name === item.name && parentId === item.parentId)) return { at: [item] }
  return { at: [item, { type: 'folder', id: parentId }], holds: item, reserves: { parentId, name } }
}

/** What a copy claims: it holds a folder that it is made of, and reserves its name. */
function copyClaim(original: Item, to: { readonly parentId: string; readonly name?: string }): ChangeClaim {
  const { parentId, name = original.name } = to
  const at: readonly ItemReference[] = [original, { type: 'folder', id: parentId }]
  const reserves = { parentId, name }
  return original.type === 'folder' ? { at, holds: original, reserves } : { at, reserves }
}

/** @see https://developer.box.com/reference/put-files-id/ */
function lockIn(lock: Record<string, unknown>): Parameters<Content['lockFile']>[1] {
  const { expires_at: expiresAt, is_download_prevented: preventsDownload } = lock
  return {
    ...(typeof expiresAt === 'string' ? { expiresAt } : {}),
    preventsDownload: preventsDownload === true,
  }
}

/** What a body asks to change of a file or folder; `"shared_link": null` removes the link. */
function changeIn(body: Record<string, unknown>): Change {
  const { name, parent, shared_link: link } = body
  return {
    ...(name === undefined ? {} : { name: textIn(body, 'name') }),
    ...(parent === undefined ? {} : { parentId: idIn(body, 'parent') }),
    ...(link === null ? { sharedLink: null } : isObject(link) ? { sharedLink: accessOf(link.access) } : {}),
  }
}

const TRASHED = { files: 'file', folders: 'folder' } as const

/** The trash: what is in it is reached by paths of its own. */
function trashRoutes(app: Hono<ApiEnv>, content: Content): void {
  for (const kind of ['files', 'folders'] as const) {
    const reference = (c: ApiContext) => ({ type: TRASHED[kind], id: c.req.param('id') ?? '' })
    app.get(`/2.0/${kind}/:id/trash`, c => answer(c, wireItem(content, content.tree.trashed(reference(c)))))
    app.delete(`/2.0/${kind}/:id/trash`, c => {
      content.purge(reference(c), actorOf(c, content))
      return c.body(null, 204)
    })
    app.post(`/2.0/${kind}/:id`, async c => {
      const body = await c.req.json().catch(() => ({}))
      const { name, parentId } = changeIn(isObject(body) ? body : {})
      const to = { ...(name === undefined ? {} : { name }), ...(parentId === undefined ? {} : { parentId }) }
      return answer(c, wireItem(content, content.restore(reference(c), to, actorOf(c, content))), 201)
    })
  }
}

function accessOf(access: unknown): { access?: Access } {
  if (access === undefined || access === null) return {}
  if (access === 'open' || access === 'company' || access === 'collaborators') return { access }
  throw invalidParameter('shared_link.access', `Invalid value '${String(access)}'`)
}

/** Uploads go to another host of Box's, under a path of their own. */
function uploadRoutes(app: Hono<ApiEnv>, { content, changes }: ItemRoutesOptions): void {
  app.post('/api/2.0/files/content', async c => {
    const { attributes, bytes } = await uploadIn(c)
    const by = actorOf(c, content)
    const [name, parentId] = [textIn(attributes, 'name'), idIn(attributes, 'parent')]
    const claim = { at: [{ type: 'folder', id: parentId }], reserves: { parentId, name } } as const
    const uploaded = await changes.make(claim, () =>
      content.createFile({ parentId, name, content: bytes, by }),
    )
    return answer(c, { total_count: 1, entries: [wireItem(content, uploaded)] }, 201)
  })
  app.post('/api/2.0/files/:id/content', async c => {
    const { bytes } = await uploadIn(c)
    const file = content.file(c.req.param('id'))
    const upload = () => content.uploadVersion(file.id, bytes, actorOf(c, content))
    const uploaded = await changes.make({ at: [file], holds: file }, upload)
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

function folderRoutes(app: Hono<ApiEnv>, { content, changes }: ItemRoutesOptions): void {
  app.post('/2.0/folders', async c => {
    const body = await bodyOf(c)
    const by = actorOf(c, content)
    const [name, parentId] = [textIn(body, 'name'), idIn(body, 'parent')]
    const claim = { at: [{ type: 'folder', id: parentId }], reserves: { parentId, name } } as const
    const folder = await changes.make(claim, () => content.createFolder({ name, parentId, by }))
    return answer(c, wireItem(content, folder), 201)
  })
  app.put('/2.0/folders/:id', async c => {
    const change = changeIn(await bodyOf(c))
    const folder = content.folder(c.req.param('id'))
    const update = () => content.updateFolder(folder.id, change, actorOf(c, content))
    return answer(c, wireItem(content, await changes.make(claimOf(folder, change), update)))
  })
  app.post('/2.0/folders/:id/copy', async c => {
    const body = await bodyOf(c)
    const name = body.name === undefined ? {} : { name: textIn(body, 'name') }
    const copy = { parentId: idIn(body, 'parent'), ...name, by: actorOf(c, content) }
    const original = content.folder(c.req.param('id'))
    const made = await changes.make(copyClaim(original, copy), () => content.copyFolder(original.id, copy))
    return answer(c, wireItem(content, made), 201)
  })
  app.delete('/2.0/folders/:id', async c => {
    const folder = content.folder(c.req.param('id'))
    const recursive = c.req.query('recursive') === 'true'
    await changes.make({ at: [folder] }, () => content.trashFolder(folder.id, actorOf(c, content), recursive))
    return c.body(null, 204)
  })
  app.get('/2.0/folders/:id', c => {
    const folder = content.folder(c.req.param('id'))
    const items = content.items(folder.id)
    const entries = items.slice(0, 100).map(wireMini)
    const collection = { total_count: items.length, entries, offset: 0, limit: 100 }
    const permissions = (c.req.query('fields') ?? '').split(',').includes('permissions')
      ? { permissions: wirePermissions(folder) }
      : {}
    return answer(c, { ...wireItem(content, folder), item_collection: collection, ...permissions })
  })
  app.get('/2.0/folders/:id/items', c => {
    const items = content.items(content.folder(c.req.param('id')).id)
    const offset = countIn(c, 'offset', 0)
    const limit = Math.min(countIn(c, 'limit', 100), 1000)
    const entries = items.slice(offset, offset + limit).map(item => wireItem(content, item))
    return answer(c, { total_count: items.length, entries, offset, limit })
  })
}
