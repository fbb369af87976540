import type { Trigger } from '../../../lib/event/event.ts'
import type { EmulatedBox } from '../emulated-box.ts'
import { invalidParameter } from '../state/refusal.ts'

/** What something can be done to: Box as a whole, an item, an item in the trash, or what belongs to an item. */
type DoingTarget = 'box' | 'file' | 'folder' | 'trashed_file' | 'trashed_folder' | 'collaboration'

/** What must be known to do it. */
export type DoingField = {
  readonly name: string
  readonly label: string
  readonly kind: 'text' | 'folder' | 'select'
  readonly options?: readonly string[]
  /** What is filled in at first. */
  readonly usual?: string
}

/** Something that a person can do in Box. */
export type Doing = {
  readonly name: string
  readonly label: string
  readonly on: DoingTarget
  readonly fields: readonly DoingField[]
  /** What Box may tell of it. */
  readonly triggers: readonly Trigger[]
  /** What it leads to, where its label does not say so. */
  readonly hint?: string
  /**
   * @param id of what it is done to; empty for Box as a whole
   * @throws BoxRefusal
   */
  readonly act: (box: EmulatedBox, id: string, fields: Readonly<Record<string, string>>) => unknown
}

/** A field for a line of text. */
export const text = (name: string, label: string, usual = ''): DoingField => ({
  name,
  label,
  kind: 'text',
  usual,
})
/** A field with a few things to choose from. */
export const choice = (name: string, label: string, options: readonly string[]): DoingField => ({
  name,
  label,
  kind: 'select',
  options,
})
/** A field for a folder. */
export const folder: DoingField = { name: 'folder', label: 'Folder', kind: 'folder' }

/** A field for the name of a file or folder. */
export const NAME = text('name', 'Name')

/** @throws BoxRefusal where it can be no name of a file or folder */
export function nameIn({ name = '' }: Readonly<Record<string, string>>): string {
  if (name.trim() === '' || /[/\\]/.test(name) || name.length > 255)
    throw invalidParameter('name', 'A name has up to 255 characters, and neither / nor \\')
  return name
}
