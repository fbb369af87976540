import type { Trigger } from '../../lib/event.ts'
import type { StoredFile, User } from './items.ts'
import type { Tree } from './tree.ts'
import { wireMini } from './wire.ts'

type CreateFile = (file: {
  readonly parentId: string
  readonly name: string
  readonly content: string
  readonly by: User
}) => StoredFile

/** Documents that Box Doc Gen makes from a template, which is a file. Only webhooks on that file are told. */
export class Documents {
  readonly #tree: Tree
  readonly #createFile: CreateFile

  constructor(tree: Tree, createFile: CreateFile) {
    this.#tree = tree
    this.#createFile = createFile
  }

  /** @returns the document */
  generate(templateId: string, name: string, by = this.#tree.owner): StoredFile {
    const template = this.#tree.file(templateId)
    this.#tree.refuseTwin(template.parentId, name)
    this.#happens('DOCGEN_DOCUMENT_GENERATION_STARTED', template, by)
    const { parentId } = template
    const document = this.#createFile({ parentId, name, content: `made from ${template.name}`, by })
    this.#happens('DOCGEN_DOCUMENT_GENERATION_SUCCEEDED', template, by)
    return document
  }

  /** Begins a document that can't be made. */
  fail(templateId: string, by = this.#tree.owner): void {
    const template = this.#tree.file(templateId)
    this.#happens('DOCGEN_DOCUMENT_GENERATION_STARTED', template, by)
    this.#happens('DOCGEN_DOCUMENT_GENERATION_FAILED', template, by)
  }

  /** What the source of these events is, Box does not document. */
  #happens(trigger: Trigger, template: StoredFile, by: User): void {
    const item = wireMini(template)
    this.#tree.tell({ trigger, path: this.#tree.pathOf(template), source: item, item, by })
  }
}
