import type { Hono } from 'hono'
import { isObject } from '../../lib/json.ts'
import { type ApiEnv, actorOf, answer, bodyOf, idIn } from './answers.ts'
import type { Content } from './content.ts'
import { invalidParameter } from './refusal.ts'

/** @see https://developer.box.com/reference/resources/sign-request/ */
export function signRequestRoutes(app: Hono<ApiEnv>, content: Content): void {
  const { signRequests } = content
  app.post('/2.0/sign_requests', async c => {
    const body = await bodyOf(c)
    const name = typeof body.name === 'string' ? { name: body.name } : {}
    const parent = isObject(body.parent_folder) ? { parentId: idIn(body, 'parent_folder') } : {}
    const made = signRequests.create(
      {
        fileIds: textsIn(body, 'source_files', 'id'),
        signers: textsIn(body, 'signers', 'email'),
        ...name,
        ...parent,
      },
      actorOf(c, content),
    )
    return answer(c, signRequests.wire(made), 201)
  })
  app.get('/2.0/sign_requests', c => {
    const entries = [...signRequests.all.values()].map(one => signRequests.wire(one))
    return answer(c, { entries, limit: 100, next_marker: null })
  })
  app.get('/2.0/sign_requests/:id', c => answer(c, signRequests.wire(signRequests.get(c.req.param('id')))))
  app.post('/2.0/sign_requests/:id/cancel', c =>
    answer(c, signRequests.wire(signRequests.cancel(c.req.param('id')))),
  )
}

/** A text of each of a list's objects. */
function textsIn(body: Record<string, unknown>, list: string, field: string): string[] {
  const { [list]: all } = body
  if (!Array.isArray(all)) throw invalidParameter(list, `'${list}' is required`)
  return all.map((one: unknown) => {
    const text = isObject(one) ? one[field] : undefined
    if (typeof text !== 'string' || text === '')
      throw invalidParameter(`${list}.${field}`, `'${field}' is required`)
    return text
  })
}
