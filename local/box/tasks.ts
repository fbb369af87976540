import type { Trigger } from '../../lib/event.ts'
import type { User } from './items.ts'
import type { WireObject } from './payload.ts'
import { BoxRefusal, invalidParameter, notFound } from './refusal.ts'
import type { Tree } from './tree.ts'
import type { Users } from './users.ts'
import { wireMini } from './wire.ts'

type TaskAction = 'review' | 'complete'

export type TaskState = {
  readonly id: string
  readonly fileId: string
  readonly action: TaskAction
  readonly message: string
  readonly dueAt: string | null
  readonly completionRule: 'all_assignees' | 'any_assignee'
  readonly createdBy: User
  readonly createdAt: string
}

export type Resolution = 'incomplete' | 'completed' | 'approved' | 'rejected'

export type AssignmentState = {
  readonly id: string
  readonly taskId: string
  readonly assignedTo: User
  readonly assignedBy: User
  readonly assignedAt: string
  readonly completedAt: string | null
  readonly message: string
  readonly resolution: Resolution
}

/** How an assignment can end, which depends on what its task asks for. */
const RESOLUTIONS: Readonly<Record<TaskAction, readonly Resolution[]>> = {
  review: ['incomplete', 'approved', 'rejected'],
  complete: ['incomplete', 'completed'],
}

/** The tasks on files, and who is to do them. A task is told of once somebody has it. */
export class Tasks {
  readonly all = new Map<string, TaskState>()
  readonly assignments = new Map<string, AssignmentState>()
  readonly #tree: Tree
  readonly #users: Users

  constructor(tree: Tree, users: Users) {
    this.#tree = tree
    this.#users = users
  }

  /** @throws BoxRefusal (404), also where its file is not there any more */
  get(id: string): TaskState {
    const found = this.all.get(id)
    if (!found) throw notFound('task', id)
    this.#tree.file(found.fileId)
    return found
  }

  of(fileId: string): TaskState[] {
    const { id } = this.#tree.file(fileId)
    return [...this.all.values()].filter(task => task.fileId === id)
  }

  create(
    input: { readonly fileId: string } & Partial<
      Pick<TaskState, 'action' | 'message' | 'dueAt' | 'completionRule'>
    >,
    by = this.#tree.owner,
  ): TaskState {
    const { action = 'review', message = '', dueAt = null, completionRule = 'all_assignees' } = input
    const { id: fileId } = this.#tree.file(input.fileId)
    const id = this.#tree.newId()
    const task = {
      id,
      fileId,
      action,
      message,
      dueAt,
      completionRule,
      createdBy: by,
      createdAt: this.#tree.time(),
    }
    this.all.set(task.id, task)
    return task
  }

  delete(id: string): void {
    this.get(id)
    this.all.delete(id)
    for (const one of this.assignments.values()) if (one.taskId === id) this.assignments.delete(one.id)
  }

  assignment(id: string): AssignmentState {
    const found = this.assignments.get(id)
    if (!found) throw notFound('task_assignment', id)
    this.get(found.taskId)
    return found
  }

  assignmentsOf(taskId: string): AssignmentState[] {
    return [...this.assignments.values()].filter(one => one.taskId === taskId)
  }

  /** @param to the id or the login of an account */
  assign(
    taskId: string,
    to: { readonly id?: string; readonly login?: string },
    by = this.#tree.owner,
  ): AssignmentState {
    const { id, message } = this.get(taskId)
    const assignedTo = to.id === undefined ? this.#users.withLogin(to.login ?? '') : this.#users.get(to.id)
    if (!assignedTo) throw notFound('user', to.login ?? '')
    if (this.assignmentsOf(id).some(one => one.assignedTo.id === assignedTo.id))
      throw new BoxRefusal(409, 'task_assignee_already_exists', 'The user has this task already')
    const made: AssignmentState = {
      id: this.#tree.newId(),
      taskId: id,
      assignedTo,
      assignedBy: by,
      assignedAt: this.#tree.time(),
      completedAt: null,
      message,
      resolution: 'incomplete',
    }
    this.assignments.set(made.id, made)
    this.#happens('TASK_ASSIGNMENT.CREATED', made, by)
    return made
  }

  /** What somebody has done about a task. */
  resolve(
    id: string,
    change: { readonly resolution?: Resolution | undefined; readonly message?: string | undefined },
    by = this.#tree.owner,
  ): AssignmentState {
    const before = this.assignment(id)
    const { resolution = before.resolution, message = before.message } = change
    const { action } = this.get(before.taskId)
    if (!RESOLUTIONS[action].includes(resolution))
      throw invalidParameter('resolution_state', `A task to ${action} can’t be ${resolution}`)
    const completedAt = resolution === 'incomplete' ? null : this.#tree.time()
    const changed = { ...before, resolution, message, completedAt }
    this.assignments.set(id, changed)
    this.#happens('TASK_ASSIGNMENT.UPDATED', changed, by)
    return changed
  }

  unassign(id: string): void {
    this.assignment(id)
    this.assignments.delete(id)
  }

  /** A task as Box's API shows it. */
  wire(task: TaskState): WireObject {
    const assignments = this.assignmentsOf(task.id)
    const over = assignments.filter(({ resolution }) => resolution !== 'incomplete').length
    const enough = task.completionRule === 'any_assignee' ? 1 : assignments.length
    return {
      type: 'task',
      id: task.id,
      item: wireMini(this.#tree.file(task.fileId)),
      due_at: task.dueAt,
      action: task.action,
      message: task.message,
      task_assignment_collection: {
        total_count: assignments.length,
        entries: assignments.map(one => this.wireAssignment(one)),
      },
      is_completed: assignments.length > 0 && over >= enough,
      created_by: task.createdBy,
      created_at: task.createdAt,
      completion_rule: task.completionRule,
    }
  }

  /** An assignment as Box's API and webhooks show it. */
  wireAssignment(one: AssignmentState): WireObject {
    return {
      type: 'task_assignment',
      id: one.id,
      item: wireMini(this.#tree.file(this.get(one.taskId).fileId)),
      assigned_to: one.assignedTo,
      assigned_by: one.assignedBy,
      message: one.message,
      completed_at: one.completedAt,
      assigned_at: one.assignedAt,
      reminded_at: null,
      resolution_state: one.resolution,
    }
  }

  #happens(trigger: Trigger, one: AssignmentState, by: User): void {
    const file = this.#tree.file(this.get(one.taskId).fileId)
    const path = this.#tree.pathOf(file)
    this.#tree.tell({ trigger, path, source: this.wireAssignment(one), item: wireMini(file), by })
  }
}
