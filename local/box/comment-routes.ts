import type { Hono } from 'hono'
import { isObject } from '../../lib/json.ts'
import { type ApiEnv, actorOf, answer, bodyOf, idIn, textIn } from './answers.ts'
import type { Content } from './content.ts'
import { invalidParameter } from './refusal.ts'

/** @see https://developer.box.com/reference/resources/comment/ */
export function commentRoutes(app: Hono<ApiEnv>, content: Content): void {
  const { comments } = content
  app.post('/2.0/comments', async c => {
    const body = await bodyOf(c)
    const type = isObject(body.item) ? body.item.type : undefined
    if (type !== 'file' && type !== 'comment') throw invalidParameter('item.type', 'It is file or comment')
    const on = { type, id: idIn(body, 'item') } as const
    const made = comments.create(on, textIn(body, 'message'), actorOf(c, content))
    return answer(c, comments.wire(made), 201)
  })
  app.get('/2.0/comments/:id', c => answer(c, comments.wire(comments.get(c.req.param('id')))))
  app.put('/2.0/comments/:id', async c => {
    const message = textIn(await bodyOf(c), 'message')
    return answer(c, comments.wire(comments.update(c.req.param('id'), message, actorOf(c, content))))
  })
  app.delete('/2.0/comments/:id', c => {
    comments.delete(c.req.param('id'), actorOf(c, content))
    return c.body(null, 204)
  })
  app.get('/2.0/files/:id/comments', c => {
    const entries = comments.of(c.req.param('id')).map(one => comments.wire(one))
    return answer(c, { total_count: entries.length, entries, offset: 0, limit: 100 })
  })
}
