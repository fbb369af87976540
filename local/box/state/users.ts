import type { User } from './items.ts'
import { notFound } from './refusal.ts'

/** The accounts of one Box enterprise. */
export class Users {
  readonly all = new Map<string, User>()

  add(user: Omit<User, 'type'>): User {
    const added: User = { type: 'user', ...user }
    this.all.set(added.id, added)
    return added
  }

  get(id: string): User {
    const user = this.all.get(id)
    if (!user) throw notFound('user', id)
    return user
  }

  withLogin(login: string): User | undefined {
    return [...this.all.values()].find(one => one.login === login)
  }
}
