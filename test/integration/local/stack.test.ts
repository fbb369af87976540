import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { boxEvent, signedDelivery } from '../../kit.ts'
import { useStack } from '../../support/stack.ts'

const stack = useStack()

const status = (eventId: string) => stack.journal.event(eventId)?.status
const lines = (eventId: string, name: string) =>
  stack.journal.event(eventId)?.lines.filter(({ event }) => event === name) ?? []
/** The newest event of a trigger that the emulated Box has told of. */
const told = (trigger: string) => {
  const event = stack.box.sent.findLast(one => one.trigger === trigger)
  if (!event) throw new Error(`Box told nobody of ${trigger}.`)
  return event
}

/** The status of a request under any Host header, which fetch does not allow. */
const statusOf = (path: string, headers: Record<string, string>): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const sent = request(new URL(path, stack.url), { headers }, ({ statusCode }) => {
      sent.destroy()
      resolve(statusCode)
    })
    sent.on('error', reject).end()
  })

describe('the whole system on this machine', () => {
  test('has the webhooks that the automations declare, one per target', () => {
    expect([...stack.box.webhooks.all.values()]).toMatchObject([
      {
        target: { type: 'folder', id: '100001' },
        address: stack.webhookUrl,
        triggers: ['COLLABORATION.ACCEPTED', 'COLLABORATION.CREATED', 'FILE.DOWNLOADED', 'FILE.UPLOADED'],
      },
    ])
  })

  test('a download ends with the shared link gone, and a repeated delivery changes nothing', async () => {
    const { content, deliveries } = stack.box
    const { id } = content.uploadFile({ parentId: '100001', name: 'offer.pdf', content: 'x' })
    content.updateFile(id, { sharedLink: { access: 'open' } })
    content.downloadFile(id)
    const event = told('FILE.DOWNLOADED')
    await expect.poll(() => status(event.eventId), { timeout: 15_000 }).toBe('done')
    expect(content.file(id).sharedLink).toBeUndefined()
    expect(await deliveries.send(event, { retry: false })).toMatchObject({ status: 202 })
    await expect.poll(() => lines(event.eventId, 'event_duplicate'), { timeout: 15_000 }).toHaveLength(1)
    expect(lines(event.eventId, 'run_started')).toHaveLength(1)
  })

  test('takes deliveries that somebody else signs with its keys, and refuses the rest', async () => {
    const { body, headers } = signedDelivery(boxEvent('FILE.LOCKED', { id: 'by-hand' }), stack.keys)
    const post = (keys: Record<string, string>) =>
      fetch(stack.webhookUrl, { method: 'POST', headers: keys, body: Uint8Array.from(body) })
    expect((await post(headers)).status).toBe(202)
    expect(
      (await post({ ...headers, 'box-signature-primary': 'x', 'box-signature-secondary': 'y' })).status,
    ).toBe(401)
    await expect.poll(() => status('by-hand'), { timeout: 15_000 }).toBe('done')
  })

  test('tells commands where its queues, ledger, keys and logs are, as a deployed stage’s outputs do', async () => {
    const { aws } = stack
    expect(await (await fetch(`${stack.url}/_local/stage`)).json()).toEqual({
      outputs: {
        QueueUrl: aws.queueUrl,
        DeadLetterQueueUrl: aws.deadLetterQueueUrl,
        LedgerTable: aws.table,
        WebhookUrl: `${stack.url}/box/webhook`,
        SignatureKeysSecretArn: 'SignatureKeysSecret',
        BoxAppSecretArn: 'BoxAppSecret',
      },
      env: {
        ...aws.env,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: expect.stringContaining('http://localhost:'),
        AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: expect.stringContaining('http://localhost:'),
      },
    })
  })

  test('the page and its data are for this machine only', async () => {
    expect((await fetch(stack.url)).status).toBe(200)
    const { host } = new URL(stack.url)
    // Another port of this machine is another origin, and any name can lead here (DNS rebinding).
    for (const headers of [
      { host, origin: 'https://evil.example' },
      { host, origin: 'null' },
      { host, origin: 'http://localhost:1' },
      { host: 'evil.example' },
      { host: `localhost.evil.example:${new URL(stack.url).port}` },
    ])
      for (const path of ['/', '/_local/box', '/_local/stage', '/_local/stream'])
        expect([path, headers, await statusOf(path, headers)]).toEqual([path, headers, 403])
    expect(await statusOf('/_local/box', { host, origin: stack.url })).toBe(200)
    expect((await fetch(`${stack.url}/_local/actions/nonsense`, { method: 'POST' })).status).toBe(404)
  })

  test('refuses an action whose input has no text, such as an object', async () => {
    const body = JSON.stringify({ event: { toString: 1 }, folder: ['1'] })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${stack.url}/_local/actions/deliver-again`, { method: 'POST', headers, body })
    expect(answer.status).toBeLessThan(500)
  })

  test('answers 404 to V1 callbacks, for which the stage does not ask', async () => {
    expect(stack.v1Url).toBeUndefined()
    const query = new URLSearchParams({ event_type: 'downloaded', item_id: '42', item_type: 'file' })
    for (const path of ['/box/v1', `/box/v1/${stack.v1Tokens.primary}`])
      expect((await fetch(`${stack.url}${path}?${query}`)).status).toBe(404)
  })
})
