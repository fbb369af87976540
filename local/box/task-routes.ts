import type { Hono } from 'hono'
import { isObject } from '../../lib/json.ts'
import { type ApiEnv, actorOf, answer, bodyOf, idIn } from './answers.ts'
import type { Content } from './content.ts'
import { invalidParameter } from './refusal.ts'
import type { Resolution, TaskState } from './tasks.ts'

/**
 * @see https://developer.box.com/reference/resources/task/
 * @see https://developer.box.com/reference/resources/task-assignment/
 */
export function taskRoutes(app: Hono<ApiEnv>, content: Content): void {
  const { tasks } = content
  app.post('/2.0/tasks', async c => {
    const body = await bodyOf(c)
    const made = tasks.create({ fileId: idIn(body, 'item'), ...taskIn(body) }, actorOf(c, content))
    return answer(c, tasks.wire(made), 201)
  })
  app.get('/2.0/tasks/:id', c => answer(c, tasks.wire(tasks.get(c.req.param('id')))))
  app.delete('/2.0/tasks/:id', c => {
    tasks.delete(c.req.param('id'))
    return c.body(null, 204)
  })
  app.get('/2.0/files/:id/tasks', c => {
    const entries = tasks.of(c.req.param('id')).map(task => tasks.wire(task))
    return answer(c, { total_count: entries.length, entries })
  })
  app.get('/2.0/tasks/:id/assignments', c => {
    const { id } = tasks.get(c.req.param('id'))
    const entries = tasks.assignmentsOf(id).map(one => tasks.wireAssignment(one))
    return answer(c, { total_count: entries.length, entries })
  })
  assignmentRoutes(app, content)
}

function assignmentRoutes(app: Hono<ApiEnv>, content: Content): void {
  const { tasks } = content
  app.post('/2.0/task_assignments', async c => {
    const body = await bodyOf(c)
    const { id, login } = isObject(body.assign_to) ? body.assign_to : {}
    const to = typeof id === 'string' ? { id } : typeof login === 'string' ? { login } : undefined
    if (!to) throw invalidParameter('assign_to', "'assign_to.id' or 'assign_to.login' is required")
    const made = tasks.assign(idIn(body, 'task'), to, actorOf(c, content))
    return answer(c, tasks.wireAssignment(made), 201)
  })
  app.get('/2.0/task_assignments/:id', c =>
    answer(c, tasks.wireAssignment(tasks.assignment(c.req.param('id')))),
  )
  app.put('/2.0/task_assignments/:id', async c => {
    const body = await bodyOf(c)
    const message = typeof body.message === 'string' ? body.message : undefined
    const change = { resolution: resolutionIn(body), message }
    const changed = tasks.resolve(c.req.param('id'), change, actorOf(c, content))
    return answer(c, tasks.wireAssignment(changed))
  })
  app.delete('/2.0/task_assignments/:id', c => {
    tasks.unassign(c.req.param('id'))
    return c.body(null, 204)
  })
}

function taskIn(body: Record<string, unknown>): Partial<TaskState> {
  const { action, message, due_at: dueAt, completion_rule: rule } = body
  if (action !== undefined && action !== 'review' && action !== 'complete')
    throw invalidParameter('action', `Invalid value '${String(action)}'`)
  if (rule !== undefined && rule !== 'all_assignees' && rule !== 'any_assignee')
    throw invalidParameter('completion_rule', `Invalid value '${String(rule)}'`)
  return {
    ...(action ? { action } : {}),
    ...(typeof message === 'string' ? { message } : {}),
    ...(typeof dueAt === 'string' ? { dueAt } : {}),
    ...(rule ? { completionRule: rule } : {}),
  }
}

const RESOLUTIONS: readonly Resolution[] = ['incomplete', 'completed', 'approved', 'rejected']

function resolutionIn({ resolution_state: state }: Record<string, unknown>): Resolution | undefined {
  const known = RESOLUTIONS.find(one => one === state)
  if (state !== undefined && !known)
    throw invalidParameter('resolution_state', `Invalid value '${String(state)}'`)
  return known
}
