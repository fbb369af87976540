import type { Hono } from 'hono'
import { isObject } from '../../../lib/base/json.ts'
import { wireCollaboration } from '../events/wire.ts'
import type { Content } from '../state/content.ts'
import { invalidParameter } from '../state/refusal.ts'
import { type ApiEnv, actorOf, answer, bodyOf, idIn, textIn } from './answers.ts'

const ROLES: ReadonlySet<string> = new Set([
  'editor',
  'viewer',
  'previewer',
  'uploader',
  'previewer uploader',
  'viewer uploader',
  'co-owner',
])

/** Collaborations of users; those of groups are not emulated. */
export function collaborationRoutes(app: Hono<ApiEnv>, content: Content): void {
  app.post('/2.0/collaborations', async c => {
    const body = await bodyOf(c)
    const type = isObject(body.item) ? body.item.type : undefined
    if (type !== 'file' && type !== 'folder') throw invalidParameter('item.type', 'It is file or folder')
    const collaboration = content.addCollaboration({
      item: { type, id: idIn(body, 'item') },
      login: loginIn(content, body.accessible_by),
      role: roleIn(body),
      by: actorOf(c, content),
    })
    return answer(c, wireCollaboration(content, collaboration), 201)
  })
  app.get('/2.0/collaborations/:id', c =>
    answer(c, wireCollaboration(content, content.collaboration(c.req.param('id')))),
  )
  app.put('/2.0/collaborations/:id', async c => {
    const body = await bodyOf(c)
    const id = c.req.param('id')
    const role = body.role === undefined ? undefined : roleIn(body)
    let collaboration = content.collaboration(id)
    if (body.status === 'accepted' || body.status === 'rejected')
      collaboration = content.answerInvitation(id, body.status)
    if (role !== undefined) collaboration = content.updateCollaboration(id, { role }, actorOf(c, content))
    return answer(c, wireCollaboration(content, collaboration))
  })
  app.delete('/2.0/collaborations/:id', c => {
    content.removeCollaboration(c.req.param('id'), actorOf(c, content))
    return c.body(null, 204)
  })
  app.get('/2.0/folders/:id/collaborations', c => {
    const { id } = content.folder(c.req.param('id'))
    const entries = [...content.collaborations.values()]
      .filter(({ item }) => item.type === 'folder' && item.id === id)
      .map(collaboration => wireCollaboration(content, collaboration))
    return answer(c, { total_count: entries.length, entries })
  })
}

function loginIn(content: Content, by: unknown): string {
  const { type, login, id } = isObject(by) ? by : {}
  if (type !== 'user') throw invalidParameter('accessible_by.type', 'Only users can be invited here')
  if (typeof login === 'string' && login !== '') return login
  if (typeof id !== 'string')
    throw invalidParameter('accessible_by', "'accessible_by.login' or 'accessible_by.id' is required")
  return content.user(id).login
}

function roleIn(body: Record<string, unknown>): string {
  const role = textIn(body, 'role')
  if (!ROLES.has(role)) throw invalidParameter('role', `Invalid value '${role}'`)
  return role
}
