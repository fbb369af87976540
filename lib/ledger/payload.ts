import { deflateSync, gunzipSync, inflateSync } from 'node:zlib'

/**
 * What Box's payloads are made of, the commonest last, where referring to it takes the fewest bits. It must never change:
 * what is in the ledger was packed with it. Another one needs another way to tell which was used; zlib's own checksum of it
 * stands in each payload's head, so that the wrong one is noticed.
 */
const DICTIONARY = Buffer.from(
  [
    '"reason":"auto_cleanup"',
    '"type":"sign-request","status":"signed","signers":[{"email":"","role":"signer"}],"sign_files":{"files":[',
    '],"is_ready_for_download":true},"source_files":[{"type":"file","id":"',
    '"parent_folder":{"type":"folder","id":"',
    '"type":"task_assignment","id":"","item":{"type":"file","assigned_to":{"type":"user","assigned_by":{"type":"user",',
    '"message":"","completed_at":null,"assigned_at":"2026-","reminded_at":null,"resolution_state":"incomplete"',
    '"type":"comment","id":"","is_reply_comment":false,"message":"","tagged_message":""',
    '"type":"collaboration","id":"","created_by":{"type":"user","expires_at":null,"status":"accepted","pending",',
    '"accessible_by":{"type":"user","id":"","group","invite_email":null,"role":"editor","viewer","co-owner",',
    '"acknowledged_at":null,"acknowledged_at":"2026-","item":{"type":"folder","id":"',
    '"old_parent":{"type":"folder","id":"","new_parent":{"type":"folder","old_parent_id":"","new_parent_id":"',
    '"shared_link":{"url":"https:\\/\\/app.box.com\\/s\\/","download_url":null,"vanity_url":null,"vanity_name":null,',
    '"effective_access":"open","company","collaborators","effective_permission":"can_download","can_preview",',
    '"is_password_enabled":false,"unshared_at":null,"download_count":0,"preview_count":0,"access":"open",',
    '"permissions":{"can_download":true,"can_preview":true,"can_edit":true}}',
    '"folder_upload_email":null,"tags":[],"lock":null,"comment_count":0,"version_number":"1","extension":"pdf",',
    '.docx","name":".xlsx","name":".pptx","name":".jpg","name":".png","name":".txt","name":".pdf","description":"","size":',
    '{"type":"webhook_event","id":"","created_at":"2026-","trigger":"',
    'COLLABORATION.UPDATED","COLLABORATION.CREATED","COMMENT.CREATED","SHARED_LINK.CREATED","FOLDER.CREATED","',
    'FILE.PREVIEWED","FILE.COPIED","FILE.MOVED","FILE.RENAMED","FILE.TRASHED","FILE.DELETED","FILE.DOWNLOADED","',
    'FILE.UPLOADED","webhook":{"id":"","type":"webhook"},"created_by":{"type":"user","id":"","name":"","login":"',
    '"},"source":{"id":"","type":"file","file_version":{"type":"file_version","id":"","sha1":"',
    '"},"sequence_id":"0","etag":"0","sha1":"","name":"","description":"","size":0,',
    '"path_collection":{"total_count":2,"entries":[{"type":"folder","id":"0","sequence_id":null,"etag":null,',
    '"name":"All Files"},{"type":"folder","id":"1","sequence_id":"0","etag":"0","name":"',
    '"}]},"created_at":"2026-01-01T10:00:00-07:00","modified_at":"2026-01-01T10:00:00-08:00",',
    '"trashed_at":null,"purged_at":null,"content_created_at":"2026-01-01T10:00:00-07:00",',
    '"content_modified_at":"2026-01-01T10:00:00-07:00","created_by":{"type":"user","id":"","name":"","login":"',
    '@example.com"},"modified_by":{"type":"user","id":"","name":"","login":"',
    '"},"owned_by":{"type":"user","id":"","name":"","login":".com"},"shared_link":null,',
    '"parent":{"type":"folder","id":"","sequence_id":"1","etag":"1","name":"","item_status":"active"},',
    '"additional_info":[]}',
  ].join(''),
)

/**
 * Packs an event's body for its record. DynamoDB bills a write by the kilobyte, of the whole item, each time: with what
 * Box's payloads have in common left out, the record of a usual event stays below one.
 */
export const packPayload = (body: Uint8Array): Uint8Array =>
  deflateSync(body, { level: 9, dictionary: DICTIONARY, chunkSize: chunkSize(body) })

/** Room for the whole result in one piece, and for a small one in Node's pool; zlib takes 64 bytes at least. */
const chunkSize = ({ length }: Uint8Array): number => Math.min(Math.max(length, 64), 16_384)

/**
 * Unpacks what {@link packPayload} has packed, or what earlier versions have, with gzip.
 * @param bytesMax the body has no more than so many
 * @throws Error where the payload is damaged, or larger
 */
export function unpackPayload(payload: Uint8Array, bytesMax: number): Uint8Array {
  const [first, second] = payload
  if (first === 0x1f && second === 0x8b) return gunzipSync(payload, { maxOutputLength: bytesMax })
  return inflateSync(payload, { maxOutputLength: bytesMax, dictionary: DICTIONARY })
}
