import type { Trigger } from '../../../lib/event/event.ts'
import { wireCollaboration, wireMini } from '../events/wire.ts'
import type { CollaborationState, ItemReference, User } from './items.ts'
import { BoxRefusal, notFound } from './refusal.ts'
import type { Tree } from './tree.ts'
import type { Users } from './users.ts'

/** Who was invited to which item, and what became of it. */
export class Collaborations {
  readonly all = new Map<string, CollaborationState>()
  readonly #tree: Tree
  readonly #users: Users

  constructor(tree: Tree, users: Users) {
    this.#tree = tree
    this.#users = users
  }

  get(id: string): CollaborationState {
    const found = this.all.get(id)
    if (!found) throw notFound('collaboration', id)
    return found
  }

  /** Invites somebody; who has an account here collaborates at once. */
  add(input: {
    readonly item: ItemReference
    readonly login: string
    readonly role: string
    readonly by?: User
  }): CollaborationState {
    const { item, login, role, by = this.#tree.owner } = input
    this.#tree.item(item)
    const twin = [...this.all.values()].find(
      one => one.item.id === item.id && one.login === login && one.status !== 'rejected',
    )
    if (twin) throw new BoxRefusal(400, 'user_already_collaborator', 'User is already a collaborator')
    const user = this.#users.withLogin(login)
    const now = this.#tree.time()
    const collaboration: CollaborationState = {
      id: this.#tree.newId(),
      item,
      login,
      user,
      role,
      status: user ? 'accepted' : 'pending',
      createdAt: now,
      modifiedAt: now,
      createdBy: by,
    }
    this.all.set(collaboration.id, collaboration)
    this.#happens('COLLABORATION.CREATED', collaboration, by)
    if (user) this.#happens('COLLABORATION.ACCEPTED', collaboration, user)
    return collaboration
  }

  /** Answers an invitation for whoever was invited; accepting it gives them an account where they have none. */
  answer(id: string, status: 'accepted' | 'rejected'): CollaborationState {
    const pending = this.get(id)
    if (pending.status !== 'pending')
      throw new BoxRefusal(400, 'bad_request', 'Only a pending collaboration can be accepted or rejected')
    const { login } = pending
    const account = this.#users.withLogin(login)
    const fresh = () => this.#users.add({ id: this.#tree.newId(), name: login, login })
    const user = account ?? (status === 'accepted' ? fresh() : undefined)
    const answered = { ...pending, status, user, modifiedAt: this.#tree.time() }
    this.all.set(id, answered)
    this.#happens(`COLLABORATION.${ANSWERED[status]}`, answered, user ?? this.#tree.owner)
    return answered
  }

  update(id: string, change: { readonly role: string }, by = this.#tree.owner): CollaborationState {
    const before = this.get(id)
    if (change.role === before.role) return before
    const changed = { ...before, role: change.role, modifiedAt: this.#tree.time() }
    this.all.set(id, changed)
    this.#happens('COLLABORATION.UPDATED', changed, by)
    return changed
  }

  remove(id: string, by = this.#tree.owner): void {
    const collaboration = this.get(id)
    this.all.delete(id)
    this.#happens('COLLABORATION.REMOVED', collaboration, by)
  }

  #happens(trigger: Trigger, collaboration: CollaborationState, by: User): void {
    const { item } = collaboration
    const found = item.type === 'file' ? this.#tree.files.get(item.id) : this.#tree.folders.get(item.id)
    this.#tree.tell({
      trigger,
      path: this.#tree.pathOf(item),
      source: wireCollaboration(this.#tree, collaboration),
      item: found ? wireMini(found) : item,
      by,
    })
  }
}

const ANSWERED = { accepted: 'ACCEPTED', rejected: 'REJECTED' } as const
