import { type TargetType, TRIGGERS, type Trigger } from '../event/event.ts'
import { familyOf, type StreamEvent, type StreamFamily, type StreamName } from './stream-event.ts'

/** In which events of a stream a trigger shows, and where it does not, why. */
type Shown = {
  readonly [F in StreamFamily]: readonly string[] | { readonly lost: string }
} & {
  /** What the event is about, where a type of the stream stands for both files and folders. */
  readonly item?: TargetType
}

const NO_EVENT = { lost: 'Box logs nothing of the kind.' }
const NOT_NAMED = {
  lost: 'The enterprise’s log names the file only. The stream of the user has it: --stream user.',
}
const NOT_APART = { lost: 'What is deleted for good is not told apart from what is moved to the trash.' }
const ENTERPRISE_ONLY = { lost: 'Only the enterprise’s log has it.' }
const NOWHERE = { lost: 'The enterprise’s log names the file only, and the user’s stream lacks it.' }
const NO_INSTANCE = { lost: 'The log does not name the metadata instance.' }

type Types = Shown[StreamFamily]

const file = (enterprise: Types, user: Types): Shown => ({ enterprise, user, item: 'file' })
const folder = (enterprise: Types, user: Types): Shown => ({ enterprise, user, item: 'folder' })
const both = (enterprise: Types, user: Types): Shown => ({ enterprise, user })
const lost = (why: { readonly lost: string }): Shown => ({ enterprise: why, user: why })
const sign = (type: string): Shown => both([type], ENTERPRISE_ONLY)

/**
 * Where each trigger of a webhook shows in Box's event streams. A file that is moved is told of by webhooks as uploaded as
 * well. Box does not say whether a copy is, so it is not here; nor whether a new version is logged as UPLOAD or as EDIT, so
 * both are.
 * @see https://developer.box.com/guides/events/enterprise-events/for-enterprise/
 * @see https://developer.box.com/guides/events/user-events/for-user/
 * @see https://developer.box.com/guides/events/event-triggers/sign-events/
 */
export const STREAM_TRIGGERS: Readonly<Record<Trigger, Shown>> = {
  'FILE.UPLOADED': file(['UPLOAD', 'EDIT', 'MOVE'], ['ITEM_UPLOAD', 'ITEM_MOVE']),
  'FILE.PREVIEWED': file(['PREVIEW'], ['ITEM_PREVIEW']),
  'FILE.DOWNLOADED': file(['DOWNLOAD'], ['ITEM_DOWNLOAD']),
  'FILE.TRASHED': file(['DELETE'], ['ITEM_TRASH']),
  'FILE.DELETED': lost(NOT_APART),
  'FILE.RESTORED': file(['UNDELETE'], ['ITEM_UNDELETE_VIA_TRASH']),
  'FILE.COPIED': file(['COPY'], ['ITEM_COPY']),
  'FILE.MOVED': file(['MOVE'], ['ITEM_MOVE']),
  'FILE.LOCKED': file(['LOCK'], ['LOCK_CREATE']),
  'FILE.UNLOCKED': file(['UNLOCK'], ['LOCK_DESTROY']),
  'FILE.RENAMED': file(['RENAME'], ['ITEM_RENAME']),
  'FOLDER.CREATED': folder(['UPLOAD'], ['ITEM_CREATE']),
  'FOLDER.RENAMED': folder(['RENAME'], ['ITEM_RENAME']),
  'FOLDER.DOWNLOADED': folder(['DOWNLOAD'], ['ITEM_DOWNLOAD']),
  'FOLDER.RESTORED': folder(['UNDELETE'], ['ITEM_UNDELETE_VIA_TRASH']),
  'FOLDER.DELETED': lost(NOT_APART),
  'FOLDER.COPIED': folder(['COPY'], ['ITEM_COPY']),
  'FOLDER.MOVED': folder(['MOVE'], ['ITEM_MOVE']),
  'FOLDER.TRASHED': folder(['DELETE'], ['ITEM_TRASH']),
  'COLLABORATION.CREATED': both(['COLLABORATION_INVITE'], ['COLLAB_INVITE_COLLABORATOR']),
  'COLLABORATION.ACCEPTED': both(['COLLABORATION_ACCEPT'], ['COLLAB_ADD_COLLABORATOR']),
  'COLLABORATION.REJECTED': lost(NO_EVENT),
  'COLLABORATION.REMOVED': both(['COLLABORATION_REMOVE'], ['COLLAB_REMOVE_COLLABORATOR']),
  'COLLABORATION.UPDATED': both(['COLLABORATION_ROLE_CHANGE'], ['COLLAB_ROLE_CHANGE']),
  'COMMENT.CREATED': both(NOT_NAMED, ['COMMENT_CREATE']),
  'COMMENT.UPDATED': lost(NOWHERE),
  'COMMENT.DELETED': both(NOT_NAMED, ['COMMENT_DELETE']),
  'METADATA_INSTANCE.CREATED': lost(NO_INSTANCE),
  'METADATA_INSTANCE.UPDATED': lost(NO_INSTANCE),
  'METADATA_INSTANCE.DELETED': lost(NO_INSTANCE),
  'SHARED_LINK.CREATED': both(['SHARE'], ['ITEM_SHARED_CREATE']),
  'SHARED_LINK.UPDATED': both(['ITEM_SHARED_UPDATE'], ['ITEM_SHARED_UPDATE']),
  'SHARED_LINK.DELETED': both(['UNSHARE'], ['ITEM_SHARED_UNSHARE']),
  'TASK_ASSIGNMENT.CREATED': both(NOT_NAMED, ['TASK_ASSIGNMENT_CREATE']),
  'TASK_ASSIGNMENT.UPDATED': lost(NOWHERE),
  'SIGN_REQUEST.COMPLETED': sign('SIGN_DOCUMENT_COMPLETED'),
  'SIGN_REQUEST.DECLINED': sign('SIGN_DOCUMENT_DECLINED'),
  'SIGN_REQUEST.EXPIRED': sign('SIGN_DOCUMENT_EXPIRED'),
  'SIGN_REQUEST.SIGNER_EMAIL_BOUNCED': lost(NO_EVENT),
  'SIGN_REQUEST.SIGN_SIGNER_SIGNED': sign('SIGN_DOCUMENT_SIGNED'),
  'SIGN_REQUEST.SIGN_DOCUMENT_CREATED': sign('SIGN_DOCUMENT_CREATED'),
  'SIGN_REQUEST.SIGN_ERROR_FINALIZING': lost(NO_EVENT),
  DOCGEN_DOCUMENT_GENERATION_STARTED: lost(NO_EVENT),
  DOCGEN_DOCUMENT_GENERATION_SUCCEEDED: lost(NO_EVENT),
  DOCGEN_DOCUMENT_GENERATION_FAILED: lost(NO_EVENT),
  'WEBHOOK.DELETED': lost(NO_EVENT),
  NO_ACTIVE_SESSION: lost(NO_EVENT),
}

/** The types of event that a stream shows a trigger in, or why it does not. */
export const shownIn = (
  trigger: Trigger,
  stream: StreamName,
): readonly string[] | { readonly lost: string } => STREAM_TRIGGERS[trigger][familyOf(stream)]

/** The triggers, of those given, that webhooks would have told of an event with. */
export function triggersOf(
  event: StreamEvent,
  stream: StreamName,
  triggers: readonly Trigger[],
): readonly Trigger[] {
  const about = event.source.item_type ?? event.source.type
  return triggers.filter(trigger => {
    const types = shownIn(trigger, stream)
    const { item } = STREAM_TRIGGERS[trigger]
    return 'lost' in types ? false : types.includes(event.type) && (item === undefined || item === about)
  })
}

/** A trigger that somebody subscribes to and the stream does not show. */
export type LostTrigger = { readonly trigger: Trigger; readonly reason: string }

/** Parts triggers into those that a stream shows and those that it doesn't. */
export function partTriggers(
  triggers: readonly Trigger[],
  stream: StreamName,
): {
  readonly shown: readonly Trigger[]
  readonly lost: readonly LostTrigger[]
  readonly types: readonly string[]
} {
  const shown: Trigger[] = []
  const missing: LostTrigger[] = []
  const types = new Set<string>()
  for (const trigger of new Set(triggers)) {
    if (!TRIGGERS[trigger].subscribable) continue
    const found = shownIn(trigger, stream)
    if ('lost' in found) missing.push({ trigger, reason: found.lost })
    else {
      shown.push(trigger)
      for (const type of found) types.add(type)
    }
  }
  return { shown, lost: missing, types: [...types].sort() }
}
