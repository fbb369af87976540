import { AutomationError } from '../base/errors.ts'
import type { Box } from '../box/box.ts'
import type { Target } from '../event/event.ts'
import { reportedError } from './reconcile.ts'
import type { WebhookAnswer } from './webhook-request.ts'

/** The part of the official SDK's client that tells where an item lies. */
export type ItemsApi = {
  readonly files: Pick<Box['files'], 'getFileById'>
  readonly folders: Pick<Box['folders'], 'getFolderById'>
}

/**
 * Asks Box which folders an item lies in. No name is asked for.
 * @throws what is no failure of Box
 * @see https://developer.box.com/reference/get-files-id/
 */
export async function itemPath({ files, folders }: ItemsApi, item: Target): Promise<WebhookAnswer> {
  const only = { queryParams: { fields: ['path_collection'] } }
  try {
    const { pathCollection } = await (item.type === 'file'
      ? files.getFileById(item.id, only)
      : folders.getFolderById(item.id, only))
    const above = (pathCollection?.entries ?? []).flatMap(({ id }): Target[] =>
      id ? [{ type: 'folder', id }] : [],
    )
    return { ok: true, path: [item, ...above.reverse()] }
  } catch (error) {
    if (!(error instanceof AutomationError)) throw error
    return { ok: false, error: reportedError(error) }
  }
}
