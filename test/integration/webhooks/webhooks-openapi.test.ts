import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../lib/base/clock.ts'
import { parseObject } from '../../../lib/base/json.ts'
import { TRIGGERS } from '../../../lib/event/event.ts'
import type { DesiredWebhook } from '../../../lib/webhooks/plan.ts'
import { reconcile } from '../../../lib/webhooks/reconcile.ts'
import { createWebhookRecord } from '../../../lib/webhooks/webhook-record.ts'
import { startKit } from '../../kit.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { boxOpenApi } from '../../support/openapi.ts'
import { useStarted } from '../../support/started.ts'

const openApi = boxOpenApi()

/** What is sent and answered, checked against Box's own description. */
describe.skipIf(!openApi)('by Box’s OpenAPI description', () => {
  const embedded = useEmbedded()
  const problems: string[] = []
  const seen = new Set<string>()
  const kit = useStarted(
    () =>
      startKit({
        async onExchange(request, response) {
          const { pathname, searchParams } = new URL(request.url)
          const path = pathname.replace(/^\/2\.0/, '')
          if (!openApi || !path.startsWith('/webhooks')) return
          const { method } = request
          const sent = parseObject(await request.text())
          const answered = parseObject(await response.text())
          seen.add(`${method} ${path.replace(/\d+$/, ':id')} ${response.status}`)
          problems.push(
            ...openApi.requestProblems(method, path, searchParams, sent),
            ...openApi.answerProblems(method, path, response.status, answered),
          )
        },
      }),
    started => started.close(),
  )

  test('all that reconciling sends is right, and all that the emulated Box answers', async () => {
    const folders = ['a', 'b', 'c'].map(name => kit.box.content.createFolder({ parentId: '0', name }).id)
    const [a = '', b = '', c = ''] = folders
    const run = (desired: DesiredWebhook[], host = 'hooks.example.com') =>
      reconcile({
        desired,
        address: `https://${host}/box/webhook`,
        api: kit.client.webhooks,
        record: createWebhookRecord(embedded, Date.now),
        clock: systemClock,
        random: () => 0,
        deadline: systemClock.now() + 30_000,
        mode: 'apply',
      })
    const target = (id: string) => ({ type: 'folder' as const, id })
    await run([
      { target: target(a), triggers: ['FILE.LOCKED'] },
      { target: target(b), triggers: ['FILE.LOCKED'] },
      { target: target('404'), triggers: ['FILE.LOCKED'] },
    ])
    await run([{ target: target(a), triggers: ['FILE.COPIED', 'SIGN_REQUEST.SIGN_SIGNER_SIGNED'] }])
    await run([{ target: target(a), triggers: ['FILE.COPIED'] }], 'new.example.com')
    const twin = { target: target(a), address: 'https://hooks.example.com/', triggers: ['FILE.LOCKED'] }
    await kit.client.webhooks.createWebhook(twin).catch(() => undefined)
    await kit.client.webhooks.createWebhook({ ...twin, target: target(c), triggers: ['FILE.LOCKED'] })
    await kit.client.webhooks.getWebhooks({ limit: 1 })
    expect(problems).toEqual([])
    expect([...seen].sort()).toEqual([
      'DELETE /webhooks/:id 204',
      'GET /webhooks 200',
      'GET /webhooks/:id 200',
      'POST /webhooks 201',
      'POST /webhooks 404',
      'POST /webhooks 409',
      'PUT /webhooks/:id 200',
    ])
  })

  test('sees what is wrong', () => {
    const wrong = { target: { type: 'web_link', id: 5 }, triggers: ['FILE.TELEPORTED'], color: 'red' }
    const query = new URLSearchParams('limit=1001&page=2')
    expect(openApi?.requestProblems('POST', '/webhooks', new URLSearchParams(), wrong)).toEqual([
      'body.address: is required',
      'body.target.type: is none of the allowed values',
      'body.target.id: is no string',
      'body.triggers[0]: is none of the allowed values',
      'body.color: is not known',
    ])
    expect(openApi?.requestProblems('GET', '/webhooks', query, undefined)).toEqual([
      'query.page: is not known',
      'query.limit: is above 1000',
    ])
    expect(openApi?.answerProblems('GET', '/webhooks/5', 200, { id: 5 })).toEqual(['answer.id: is no string'])
  })

  test('our triggers are those of the description, and those that only the guide has', () => {
    const subscribable = Object.entries(TRIGGERS).filter(([, info]) => info.subscribable)
    const unknown = subscribable.map(([name]) => name).filter(name => !openApi?.triggers().includes(name))
    expect(unknown).toEqual([
      'DOCGEN_DOCUMENT_GENERATION_STARTED',
      'DOCGEN_DOCUMENT_GENERATION_SUCCEEDED',
      'DOCGEN_DOCUMENT_GENERATION_FAILED',
    ])
    const missing = openApi?.triggers().filter(name => !subscribable.some(([known]) => known === name))
    expect(missing).toEqual(['WEBHOOK.DELETED'])
  })
})
