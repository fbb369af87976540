import assert from 'node:assert/strict'
import { Hono } from 'hono'
import { systemClock } from '../../../lib/base/clock.ts'
import { lambdaApi } from '../../../local/aws/lambda-api.ts'
import type { EmulatedBox } from '../../../local/box/emulated-box.ts'
import type { Lambda } from '../../../local/runtime/lambda.ts'
import { serve } from '../../../local/serve.ts'
import { type Aws, boxhooks } from './aws.ts'
import { say, undo, until } from './scene.ts'

/**
 * Makes up for a download of which no webhook told. moto would need Docker to run a function, so its call is answered by the
 * function from its artifact.
 */
export async function makeUpFor(aws: Aws, { content }: EmulatedBox, backfill: Lambda): Promise<void> {
  const functions = new Hono()
  lambdaApi(functions, new Map([['boxhooks-local-backfill', backfill]]))
  const { url, close } = await serve({ fetch: functions.fetch, port: 0 })
  undo.push(close)
  const reached = { ...aws, env: { ...aws.env, AWS_ENDPOINT_URL_LAMBDA: url } }

  // Box's events have whole seconds, and so has the span: from the one that it happens in to one after it.
  const second = Math.floor(systemClock.now() / 1000) * 1000
  const { id } = content.uploadFile({ parentId: '100001', name: 'missed.pdf', content: 'an offer' })
  content.updateFile(id, { sharedLink: { access: 'open' } })
  content.downloadFile(id)
  await until('the second of the download is over', async () => systemClock.now() > second + 3000)
  const [since, end] = [second, second + 3000].map(at => new Date(at).toISOString())
  const span = ['--since', since ?? '', '--until', end ?? '']
  const run = async (...args: string[]): Promise<{ readonly queued: number }> =>
    JSON.parse(await boxhooks(reached, 'backfill', ...span, '--even-if-box-may-deliver', '--json', ...args))
  assert.partialDeepStrictEqual(await run('--dry-run'), { dryRun: true })
  assert.ok(content.file(id).sharedLink, 'a dry run does nothing')
  assert.ok((await run('--yes')).queued > 0)
  await until('the shared link of the missed download is gone', async () => !content.file(id).sharedLink)
  assert.equal((await run('--yes')).queued, 0, 'what was back-filled is not queued again')
  say('boxhooks backfill made up for a download that no webhook told of, once')
}
