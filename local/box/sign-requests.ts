import type { Trigger } from '../../lib/event.ts'
import type { ItemReference, StoredFile, User } from './items.ts'
import type { WireObject } from './payload.ts'
import { BoxRefusal, notFound } from './refusal.ts'
import type { Tree } from './tree.ts'
import { wireMini } from './wire.ts'

export type SignStatus = 'sent' | 'signed' | 'declined' | 'expired' | 'cancelled' | 'error_finalizing'

type SignerState = { readonly email: string; readonly decision: 'signed' | 'declined' | undefined }

export type SignRequestState = {
  readonly id: string
  readonly name: string
  readonly fileIds: readonly string[]
  readonly parentId: string
  readonly signers: readonly SignerState[]
  readonly status: SignStatus
  readonly createdBy: User
  readonly createdAt: string
  readonly finishedAt: string | null
}

/** Requests for signatures, up to the last of them. */
export class SignRequests {
  readonly all = new Map<string, SignRequestState>()
  readonly #tree: Tree

  constructor(tree: Tree) {
    this.#tree = tree
  }

  get(id: string): SignRequestState {
    const found = this.all.get(id)
    if (!found) throw notFound('sign_request', id)
    return found
  }

  /** Asks for signatures; Box tells of the document that it makes for them. */
  create(
    input: {
      readonly fileIds: readonly string[]
      readonly signers: readonly string[]
      /** Where the signed document goes; the file's own folder by default. */
      readonly parentId?: string
      readonly name?: string
    },
    by = this.#tree.owner,
  ): SignRequestState {
    const files = input.fileIds.map(id => this.#tree.file(id))
    const [first] = files
    if (!first) throw refused('A sign request needs a file')
    if (input.signers.length === 0) throw refused('A sign request needs a signer')
    const { id: parentId } = this.#tree.folder(input.parentId ?? first.parentId)
    const request: SignRequestState = {
      id: `sign-${this.#tree.newId()}`,
      name: input.name ?? first.name,
      fileIds: files.map(({ id }) => id),
      parentId,
      signers: input.signers.map(email => ({ email, decision: undefined })),
      status: 'sent',
      createdBy: by,
      createdAt: this.#tree.time(),
      finishedAt: null,
    }
    this.all.set(request.id, request)
    this.#happens('SIGN_REQUEST.SIGN_DOCUMENT_CREATED', request)
    return request
  }

  /** The next signer signs; with the last of them the request is completed. */
  sign(id: string): SignRequestState {
    const before = this.#sent(id)
    const next = before.signers.findIndex(({ decision }) => decision === undefined)
    const signers = before.signers.map((one, index) =>
      index === next ? { ...one, decision: 'signed' as const } : one,
    )
    const signed = this.#put({ ...before, signers })
    this.#happens('SIGN_REQUEST.SIGN_SIGNER_SIGNED', signed)
    if (signers.some(({ decision }) => decision === undefined)) return signed
    return this.#end(signed, 'signed', 'SIGN_REQUEST.COMPLETED')
  }

  decline(id: string): SignRequestState {
    const before = this.#sent(id)
    const [first, ...others] = before.signers
    const signers = first ? [{ ...first, decision: 'declined' as const }, ...others] : []
    return this.#end({ ...before, signers }, 'declined', 'SIGN_REQUEST.DECLINED')
  }

  expire(id: string): SignRequestState {
    return this.#end(this.#sent(id), 'expired', 'SIGN_REQUEST.EXPIRED')
  }

  /** The mail to a signer comes back; the request goes on waiting. */
  bounce(id: string): SignRequestState {
    const request = this.#sent(id)
    this.#happens('SIGN_REQUEST.SIGNER_EMAIL_BOUNCED', request)
    return request
  }

  failFinalizing(id: string): SignRequestState {
    return this.#end(this.#sent(id), 'error_finalizing', 'SIGN_REQUEST.SIGN_ERROR_FINALIZING')
  }

  /** Nobody is told of a request that its sender takes back. */
  cancel(id: string): SignRequestState {
    return this.#put({ ...this.#sent(id), status: 'cancelled', finishedAt: this.#tree.time() })
  }

  /** A request as Box's API and webhooks show it. */
  wire(request: SignRequestState): WireObject {
    const files = this.#files(request).map(wireMini)
    const parent = this.#tree.folders.get(request.parentId)
    return {
      type: 'sign-request',
      id: request.id,
      name: request.name,
      status: request.status,
      signers: request.signers.map(({ email, decision }) => ({
        email,
        role: 'signer',
        has_viewed_document: decision !== undefined,
        signer_decision: decision ? { type: decision } : null,
      })),
      source_files: files,
      sign_files: { files, is_ready_for_download: request.status === 'signed' },
      parent_folder: parent ? wireMini(parent) : null,
      created_at: request.createdAt,
      finished_at: request.finishedAt,
      sender_email: request.createdBy.login,
    }
  }

  #sent(id: string): SignRequestState {
    const request = this.get(id)
    if (request.status !== 'sent') throw refused(`The sign request is ${request.status} already`)
    return request
  }

  #put(request: SignRequestState): SignRequestState {
    this.all.set(request.id, request)
    return request
  }

  #end(request: SignRequestState, status: SignStatus, trigger: Trigger): SignRequestState {
    const ended = this.#put({ ...request, status, finishedAt: this.#tree.time() })
    this.#happens(trigger, ended)
    return ended
  }

  /** The files that are still there. */
  #files({ fileIds }: SignRequestState): StoredFile[] {
    return fileIds.flatMap(id => this.#tree.files.get(id) ?? [])
  }

  #happens(trigger: Trigger, request: SignRequestState): void {
    const files = this.#files(request)
    const folder: ItemReference = { type: 'folder', id: request.parentId }
    this.#tree.tell({
      trigger,
      path: [...files.flatMap(file => this.#tree.pathOf(file)), ...this.#tree.pathOf(folder)],
      source: this.wire(request),
      item: files[0] ? wireMini(files[0]) : folder,
      by: request.createdBy,
    })
  }
}

const refused = (message: string): BoxRefusal => new BoxRefusal(400, 'bad_request', message)
