import type { Trigger } from '../../lib/event.ts'
import type { User } from './items.ts'
import type { WireObject } from './payload.ts'
import { invalidParameter, notFound } from './refusal.ts'
import type { Tree } from './tree.ts'
import { wireMini } from './wire.ts'

export type CommentState = {
  readonly id: string
  readonly fileId: string
  readonly message: string
  /** Whether it answers another comment. */
  readonly isReply: boolean
  readonly createdBy: User
  readonly createdAt: string
  readonly modifiedAt: string
}

/** The comments on files. */
export class Comments {
  readonly all = new Map<string, CommentState>()
  readonly #tree: Tree

  constructor(tree: Tree) {
    this.#tree = tree
  }

  /** @throws BoxRefusal (404), also where its file is not there any more */
  get(id: string): CommentState {
    const found = this.all.get(id)
    if (!found) throw notFound('comment', id)
    this.#tree.file(found.fileId)
    return found
  }

  of(fileId: string): CommentState[] {
    const { id } = this.#tree.file(fileId)
    return [...this.all.values()].filter(comment => comment.fileId === id)
  }

  /** @param on the file, or the comment that is answered */
  create(
    on: { readonly type: 'file' | 'comment'; readonly id: string },
    message: string,
    by = this.#tree.owner,
  ): CommentState {
    const fileId = on.type === 'file' ? this.#tree.file(on.id).id : this.get(on.id).fileId
    const now = this.#tree.time()
    const comment: CommentState = {
      id: this.#tree.newId(),
      fileId,
      message: said(message),
      isReply: on.type === 'comment',
      createdBy: by,
      createdAt: now,
      modifiedAt: now,
    }
    this.all.set(comment.id, comment)
    this.#happens('COMMENT.CREATED', comment, by)
    return comment
  }

  update(id: string, message: string, by = this.#tree.owner): CommentState {
    const changed = { ...this.get(id), message: said(message), modifiedAt: this.#tree.time() }
    this.all.set(id, changed)
    this.#happens('COMMENT.UPDATED', changed, by)
    return changed
  }

  delete(id: string, by = this.#tree.owner): void {
    const comment = this.get(id)
    this.all.delete(id)
    this.#happens('COMMENT.DELETED', comment, by)
  }

  /** A comment as Box's API and webhooks show it. */
  wire({ id, fileId, message, isReply, createdBy, createdAt, modifiedAt }: CommentState): WireObject {
    return {
      type: 'comment',
      id,
      is_reply_comment: isReply,
      message,
      created_by: createdBy,
      created_at: createdAt,
      modified_at: modifiedAt,
      item: wireMini(this.#tree.file(fileId)),
    }
  }

  #happens(trigger: Trigger, comment: CommentState, by: User): void {
    const file = this.#tree.file(comment.fileId)
    const path = this.#tree.pathOf(file)
    this.#tree.tell({ trigger, path, source: this.wire(comment), item: wireMini(file), by })
  }
}

function said(message: string): string {
  if (message.trim() === '') throw invalidParameter('message', "'message' is required")
  return message
}
