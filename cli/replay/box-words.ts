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

/** What the names of files end with, by which automations tell their kinds apart. */
export const ENDINGS: ReadonlySet<string> = new Set(
  words(`
    3gp 7z aac ai avi bmp boxcanvas boxnote bz2 c cfg conf cpp cr2 cs css csv dcm dng doc docm docx dot dotx dwg dxf
    eml eps epub flac gdoc gdraw gif go gsheet gslides gz heic heif htm html ico ics idml indd ini java jpeg jpg js json
    key log m4a m4v md mkv mov mp3 mp4 mpeg mpg msg nef numbers odp ods odt ogg one otf p12 pages parquet pdf pem php
    png pot potx pps ppsx ppt pptm pptx ps psd pub py rar raw rb rtf sh sql step stl stp svg tar tex tgz tif tiff toml
    ts tsv ttf txt url vcf vsd vsdx wav webloc webm webp wma wmv woff xhtml xls xlsb xlsm xlsx xml xz yaml yml zip
  `),
)
