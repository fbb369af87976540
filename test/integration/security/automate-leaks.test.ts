import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { type Automation, automation } from '../../../lib/automation/automation.ts'
import { createBoxConnection } from '../../../lib/box/box.ts'
import { createLog } from '../../../lib/log/log.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { createEngine } from '../../support/engine.ts'
import { CANARIES, expectNoCanary } from './canaries.ts'

const embedded = useEmbedded()

type Answering = (request: IncomingMessage, body: string, response: ServerResponse) => void

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

/** Something on HTTP that stands where Box should: it grants a token, and then answers as a test says. */
async function hostileBox(answer: Answering, grant: Answering = grantToken): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const isGrant = request.url?.includes('/oauth2/token')
    ;(isGrant ? grant : answer)(request, Buffer.concat(chunks).toString(), response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  open.push(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}

const json = (response: ServerResponse, status: number, body: object, headers = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

const grantToken: Answering = (_, __, response) =>
  json(response, 200, { access_token: CANARIES.token, expires_in: 3600, token_type: 'bearer' })

const CLIENT_CREDENTIALS = JSON.stringify({
  clientId: 'client',
  clientSecret: CANARIES.clientSecret,
  enterpriseId: '1',
})

type Secret = { readonly secret?: string; readonly fails?: boolean }

/** Runs automations that tell Box all they know, in a body and in a query, against a Box that does not do as it should. */
async function runAgainst(apiUrl: string, { secret = CLIENT_CREDENTIALS, fails = false }: Secret = {}) {
  const lines: string[] = []
  const log = createLog({ now: Date.now, write: line => lines.push(line), level: 'debug' })
  const connection = createBoxConnection({
    secretsManager: () => ({
      send: async () => {
        if (fails) throw new Error(`AccessDenied for ${CANARIES.awsText}`)
        return { $metadata: {}, SecretString: secret }
      },
    }),
    secretId: 'box-app',
    apiUrl,
    now: Date.now,
    log,
  })
  const declare = (name: string, run: Automation['run']) =>
    automation({ name, on: 'FILE.LOCKED', watch: { folder: '100001' }, retry: { attempts: 1 }, run })
  const updating = declare('updating', async ({ event, box }) => {
    const name = CANARIES.fileName
    await box.files.updateFileById(String(event.item?.id), { requestBody: { name, description: name } })
  })
  const searching = declare('searching', async ({ box }) => {
    await box.search.searchForContent({ query: CANARIES.fileName })
  })
  const engine = await createEngine(embedded, [updating, searching])
  const id = await engine.send('FILE.LOCKED', {
    source: { name: CANARIES.fileName, description: CANARIES.comment },
    createdBy: { type: 'user', id: '1', name: CANARIES.comment, login: CANARIES.email },
  })
  const answer = await engine.work({ parts: { box: connection.box } })
  const kept = await engine.record(id)
  const failures = ['updating', 'searching'].map(name => kept?.runs[name]?.error?.code ?? 'none')
  // The payload is kept on purpose, for replays.
  const record = { ...kept, payload: undefined }
  return {
    failures,
    told: { answer, record, lines: [...lines, ...engine.lines], dead: await engine.deadLetters() },
  }
}

const echo = (request: IncomingMessage, body: string): object => {
  const heard = `${request.url} ${JSON.stringify(request.headers)} ${body}`
  const errors = [{ reason: heard, name: heard, message: heard }]
  return {
    type: 'error',
    code: heard,
    message: heard,
    error: heard,
    error_description: heard,
    request_id: heard,
    context_info: { errors },
  }
}

describe('nothing secret or private is told of a failed run, in its log, its record and its dead letter', () => {
  test.each([400, 401, 403, 404, 405, 409, 412, 429, 500, 502, 503])(
    'where Box answers %i with everything it heard',
    async status => {
      const url = await hostileBox((request, body, response) =>
        json(response, status, echo(request, body), {
          'retry-after': '1',
          'box-request-id': `${request.headers.authorization}`,
          'www-authenticate': `${request.headers.authorization}`,
        }),
      )
      const { failures, told } = await runAgainst(url)
      for (const code of failures) expect(code).toMatch(/^box_/)
      expectNoCanary(told)
    },
  )

  test.each<[string, Answering]>([
    [
      'with HTML',
      (request, body, response) =>
        response.writeHead(502).end(`<html>${request.headers.authorization} ${body}`),
    ],
    ['200 with no JSON', (_, body, response) => response.writeHead(200).end(`{"name": ${body}`)],
    [
      '200 with JSON of another form',
      (_, body, response) => json(response, 200, { type: body, id: [body], name: { body } }),
    ],
    [
      'with half an answer',
      (_, body, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).write(body)
        setImmediate(() => response.destroy())
      },
    ],
    ['by hanging up', (_, __, response) => void response.destroy()],
    [
      'with a redirect to where nobody is',
      (_, body, response) =>
        response
          .writeHead(302, { location: 'http://127.0.0.1:9/elsewhere', 'x-heard': encodeURI(body) })
          .end(body),
    ],
  ])('where Box answers %s', async (_, answer) => {
    const { failures, told } = await runAgainst(await hostileBox(answer))
    expect(failures).not.toContain('none')
    expectNoCanary(told)
  })

  test('where Box refuses the credentials, telling them', async () => {
    const refuse: Answering = (request, body, response) => json(response, 400, echo(request, body))
    const { failures, told } = await runAgainst(await hostileBox(refuse, refuse))
    for (const code of failures) expect(code).toMatch(/^box_/)
    expectNoCanary(told)
  })

  test('where nobody answers', async () => {
    const url = await hostileBox(() => {})
    for (const close of open.splice(0)) await close()
    const { failures, told } = await runAgainst(url)
    expect(failures).toEqual(['box_unreachable', 'box_unreachable'])
    expectNoCanary(told)
  })

  test.each<[string, string]>([
    ['is no JSON', `{"clientSecret": "${CANARIES.clientSecret}"`],
    ['lacks a field', JSON.stringify({ clientSecret: CANARIES.clientSecret })],
    ['is a list', JSON.stringify([CANARIES.clientSecret])],
    [
      'has a private key that is none',
      JSON.stringify({
        boxAppSettings: {
          clientID: 'client',
          clientSecret: CANARIES.clientSecret,
          appAuth: {
            publicKeyID: 'k1',
            privateKey: `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${CANARIES.privateKey}\n-----END ENCRYPTED PRIVATE KEY-----\n`,
            passphrase: CANARIES.passphrase,
          },
        },
        enterpriseID: '1',
      }),
    ],
  ])('where the app’s secret %s', async (_, secret) => {
    const { failures, told } = await runAgainst('http://127.0.0.1:9', { secret })
    expect(failures).not.toContain('none')
    expectNoCanary(told)
  })

  test('where the app’s secret can’t be read, and AWS says why', async () => {
    const { failures, told } = await runAgainst('http://127.0.0.1:9', { fails: true })
    expect(failures).toEqual(['box_app_secret_unavailable', 'box_app_secret_unavailable'])
    expectNoCanary(told)
  })
})

test('the canaries are where they are looked for: a Box that does as it should hears them', async () => {
  let heard = ''
  const url = await hostileBox((request, body, response) => {
    heard += `${request.url} ${request.headers.authorization} ${body}`
    const isSearch = request.url?.startsWith('/2.0/search')
    const found = { type: 'search_results_items', entries: [], total_count: 0 }
    json(response, 200, isSearch ? found : { type: 'file', id: '1' })
  })
  const { told } = await runAgainst(url)
  for (const canary of [CANARIES.token, CANARIES.fileName]) expect(heard).toContain(canary)
  expect(JSON.stringify(told)).toContain('"status":"done"')
  expectNoCanary(told)
})
