import type { Hono } from 'hono'
import { type ApiContext, type ApiEnv, actorOf, answer, bodyOf } from './answers.ts'
import type { Content } from './content.ts'
import { operationsIn } from './metadata.ts'

const TYPES = { files: 'file', folders: 'folder' } as const

/** @see https://developer.box.com/reference/resources/metadata/ */
export function metadataRoutes(app: Hono<ApiEnv>, content: Content): void {
  const { metadata } = content
  for (const kind of ['files', 'folders'] as const) {
    const item = (c: ApiContext) => ({ type: TYPES[kind], id: c.req.param('id') ?? '' })
    const instance = (c: ApiContext) => ({
      scope: c.req.param('scope') ?? '',
      template: c.req.param('template') ?? '',
    })
    const path = `/2.0/${kind}/:id/metadata/:scope/:template`
    app.get(`/2.0/${kind}/:id/metadata`, c =>
      answer(c, { entries: metadata.of(item(c)).map(one => metadata.wire(one)), limit: 100 }),
    )
    app.get(path, c => answer(c, metadata.wire(metadata.get(item(c), instance(c)))))
    app.post(path, async c => {
      const made = metadata.create(item(c), instance(c), await bodyOf(c), actorOf(c, content))
      return answer(c, metadata.wire(made), 201)
    })
    app.put(path, async c => {
      const operations = operationsIn(await c.req.json().catch(() => undefined))
      const changed = metadata.update(item(c), instance(c), operations, actorOf(c, content))
      return answer(c, metadata.wire(changed))
    })
    app.delete(path, c => {
      metadata.delete(item(c), instance(c), actorOf(c, content))
      return c.body(null, 204)
    })
  }
}
