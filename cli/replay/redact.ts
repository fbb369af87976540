import { isObject } from '../../lib/base/json.ts'
import { triggerOf } from '../../lib/event/event.ts'
import { V1_FIELDS } from '../../lib/event/event-v1.ts'

const words = (text: string): readonly string[] => text.split(/\s+/).filter(Boolean)

/**
 * The fields that Box's webhooks have, whatever they are about.
 * @see https://developer.box.com/reference/resources/
 */
export const FIELDS: ReadonlySet<string> = new Set([
  ...V1_FIELDS,
  ...words(`
    $canEdit $id $parent $scope $template $type $typeVersion $version
    access accessible_by acknowledged_at action additional_info address after allowed_invitee_roles app_item
    are_reminders_enabled are_text_signatures_enabled assigned_at assigned_by assigned_to auto_expire_at before
    can_delete can_download can_edit can_invite_collaborator can_preview can_rename can_set_share_access can_share
    can_upload classification color comment_count completed_at completion_rule content_created_at content_modified_at
    created_at created_by days_valid declined_redirect_url definition description destination_folder disposition_at
    download_count download_url due_at effective_access effective_permission email email_message email_subject entries etag expires_at
    expiring_embed_link extension external_id external_system_name file file_version files finished_at folder
    folder_upload_email group_type has_collaborations has_viewed_document id invite_email is_access_only
    is_accessible_via_shared_link is_associated_with_app_item is_collaboration_restricted_to_enterprise is_completed
    is_document_preparation_needed is_download_prevented is_externally_owned is_in_person is_package
    is_password_enabled is_ready_for_download is_reply_comment item item_collection item_status language lock login
    login_required message metadata modified_at modified_by name new_name old_name order output_file output_type
    owned_by parent parent_folder path_collection permissions prepare_url preview_count purged_at reason redirect_url reminded_at representations
    request_flow resolution_state restored_at restored_by role sequence_id sha1 shared_link
    shared_link_permission_options short_id sign_files sign_request_id signed_at signer_decision signer_email
    signer_emails signer_group_id signers signing_log size source source_files status sync_state tagged_message tags
    target template_id total_count trashed_at trashed_by trigger triggers type unshared_at uploader_display_name url
    user vanity_name vanity_url version_number watermark_info webhook
  `),
])

/** What Box's API itself says: types of its objects, states, roles, rights, reasons. */
export const WORDS: ReadonlySet<string> = new Set([
  'previewer uploader',
  'viewer uploader',
  'signed and downloaded',
  ...words(`
    app_item collaboration comment enterprise event file file_version folder group item lock metadata shared
    shared_link sign-request sign_request signer task task_assignment user web_link webhook webhook_event
    global properties
    active deleted trashed
    accepted completed approved incomplete pending rejected
    cancelled converting created declined downloaded error error_converting error_finalizing error_sending expired
    finalizing sent signed viewed
    approver co-owner editor final_copy_reader owner previewer uploader viewer
    collaborators company open
    can_download can_edit can_preview no_access
    all_assignees any_assignee complete review
    auto_cleanup
    copied locked moved previewed unlocked uploaded
  `),
])

/** Common endings of file names, by which automations tell kinds of files apart. */
const ENDINGS: ReadonlySet<string> = new Set(
  words(`
    3gp 7z aac ai avi bmp boxcanvas boxnote bz2 c cfg conf cpp cr2 cs css csv dcm dng doc docm docx dot dotx dwg dxf
    eml eps epub flac gdoc gdraw gif go gsheet gslides gz heic heif htm html ico ics idml indd ini java jpeg jpg js json
    key log m4a m4v md mkv mov mp3 mp4 mpeg mpg msg nef numbers odp ods odt ogg one otf p12 pages parquet pdf pem php
    png pot potx pps ppsx ppt pptm pptx ps psd pub py rar raw rb rtf sh sql step stl stp svg tar tex tgz tif tiff toml
    ts tsv ttf txt url vcf vsd vsdx wav webloc webm webp wma wmv woff xhtml xls xlsb xlsm xlsx xml xz yaml yml zip
  `),
)

/** A payload without what it says of people and files; equal things have equal stand-ins. */
export type Redacted = {
  readonly payload: Record<string, unknown>
  /** What stands for an id. */
  readonly idOf: (id: string) => string
}

/**
 * Removes from an event's payload whatever could name people, files or places. What stays names no one: the
 * fields and words of Box's API, the times of its fields, the common endings of file names, and what the automation's own
 * code says. All else gets a stand-in of its form, so that automations find which ids, names and addresses are the same.
 * @param code the automation's, which is in the repository already
 */
export function redact(payload: Readonly<Record<string, unknown>>, code = ''): Redacted {
  const redactor = new Redactor(code)
  return { payload: redactor.object(payload), idOf: id => redactor.id(id) }
}

const ADDRESS = /^[^@\s]+@[^@\s]+$/
const LINK = /^https?:/i
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/
const HASH = /^[\dA-Fa-f]{32,128}$/
/** `file_123`, `enterprise_123`: how metadata names what it is about, and whose template it has. */
const REFERENCE = /^(file|folder|enterprise)_(\d+)$/
const DAY_MS = 86_400_000

class Redactor {
  readonly #standIns = new Map<string, string>()
  readonly #counts = new Map<string, number>()
  readonly #code: string
  readonly #identifiers: ReadonlySet<string>

  constructor(code: string) {
    this.#code = code
    this.#identifiers = new Set(code.match(/[\p{L}_$][\p{L}\p{N}_$]*/gu))
  }

  object(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(object).map(([name, value]) => [this.#field(name), this.#value(name, value)]),
    )
  }

  /** The root folder keeps its id, by which Box knows it. */
  id(id: string): string {
    if (id === '0') return id
    return this.#standIn('id', id, number =>
      /^\d+$/.test(id) ? String(1_000_000_000 + number) : `id-${number}`,
    )
  }

  #field(name: string): string {
    if (FIELDS.has(name) || this.#isInCode(name)) return name
    return this.#standIn('field', name, number => `field_${number}`)
  }

  #isInCode(text: string): boolean {
    return (
      this.#identifiers.has(text) || ["'", '"', '`'].some(quote => this.#code.includes(quote + text + quote))
    )
  }

  #value(name: string, value: unknown): unknown {
    if (Array.isArray(value)) return value.map(one => this.#value(name, one))
    if (isObject(value)) return this.object(value)
    if (typeof value === 'number') return this.#number(name, value)
    return typeof value === 'string' && value !== '' ? this.#text(name, value) : value
  }

  /** A size keeps its order of magnitude; what counts things is kept where it is small. */
  #number(name: string, value: number): number {
    if (isId(name) && Number.isSafeInteger(value) && value >= 0) return Number(this.id(String(value)))
    if (name === 'size') return Number(value.toPrecision(1))
    if (COUNTS.test(name) && Number.isInteger(value) && value >= 0 && value < 1000) return value
    const standIn = Number(this.#standIn('number', String(value), number => String(1000 + number)))
    return (standIn + (Number.isInteger(value) ? 0 : 0.5)) * (value < 0 ? -1 : 1)
  }

  #text(name: string, text: string): string {
    if (isId(name)) return this.id(text)
    if (WORDS.has(text) || ENDINGS.has(text) || triggerOf(text) !== undefined || this.#isInCode(text))
      return text
    if (/^(etag|sequence_id)$/.test(name) && /^\d{1,6}$/.test(text)) return text
    if (TIME.test(text)) return this.#time(name, text)
    if (HASH.test(text)) return text.replace(/./g, '0')
    if (REFERENCE.test(text)) return text.replace(/\d+$/, id => this.id(id))
    if (ADDRESS.test(text)) return this.#address(text)
    if (LINK.test(text)) return this.#standIn('link', text, number => `https://example.com/link-${number}`)
    const kind = name === 'name' || name === 'old_name' ? 'name' : 'text'
    return this.#standIn('text', text, number => `${kind}-${number}${endingOf(text)}`)
  }

  /** The time of an action on Box identifies no one; another time, such as a birthday in metadata, may. */
  #time(name: string, text: string): string {
    if (FIELDS.has(name) && name.endsWith('_at')) return text
    return this.#standIn('time', text, number => new Date(number * DAY_MS).toISOString())
  }

  #address(text: string): string {
    const at = text.lastIndexOf('@')
    const domain = this.#standIn('domain', text.slice(at + 1), number => `domain-${number}.example`)
    return `${this.#standIn('person', text.slice(0, at), number => `person-${number}`)}@${domain}`
  }

  #standIn(kind: string, text: string, make: (number: number) => string): string {
    const key = `${kind} ${text}`
    const known = this.#standIns.get(key)
    if (known !== undefined) return known
    const number = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, number)
    const made = make(number)
    this.#standIns.set(key, made)
    return made
  }
}

const isId = (name: string): boolean => /(^|_)id$/.test(name) && name !== 'sequence_id'

const COUNTS = /^(\$version|\$typeVersion|version_number|(total|comment|download|preview)_count)$/

/** Returns the ending of a file's name if it is a common one: `j.smith` has none. */
function endingOf(name: string): string {
  const [ending = ''] = /\.[a-zA-Z0-9]{1,10}$/.exec(name) ?? []
  return ENDINGS.has(ending.slice(1).toLowerCase()) ? ending : ''
}
