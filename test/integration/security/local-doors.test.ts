import { request } from 'node:http'
import { Server } from 'node:net'
import { ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { ListQueuesCommand } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Stack, startStack } from '../../../local/stack.ts'
import { packagedLocal } from '../../support/packaged.ts'

let stack: Stack
let ports: readonly number[]
beforeAll(async () => {
  const listening = vi.spyOn(Server.prototype, 'listen')
  stack = await startStack({ port: 0, packaged: await packagedLocal() })
  ports = listening.mock.contexts.map(portOf)
  listening.mockRestore()
})
afterAll(() => stack.stop())

function portOf(server: unknown): number {
  const address = server instanceof Server ? server.address() : null
  if (address === null || typeof address === 'string') throw new Error('A server listens on no port.')
  expect(address.address).toBe('127.0.0.1')
  return address.port
}

type Heard = {
  readonly status: number | undefined
  readonly allows: string | undefined
  readonly body: string
}

/** Asks with headers that fetch would not let through. */
const ask = (port: number, method: string, path: string, headers: Record<string, string>): Promise<Heard> =>
  new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers }, response => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => {
        const { 'access-control-allow-origin': allows } = response.headers
        resolve({ status: response.statusCode, allows, body })
      })
    })
    sent.on('error', reject).end(method === 'GET' || method === 'OPTIONS' ? undefined : '{}')
  })

/** What a page elsewhere could ask for, if its requests were answered. */
const ASKED: readonly (readonly [method: string, path: string, headers: Record<string, string>])[] = [
  [
    'OPTIONS',
    '/',
    { 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-amz-target' },
  ],
  ['GET', '/', {}],
  ['GET', '/_fauxqs/queues', {}],
  ['GET', '/_local/stage', {}],
  ['GET', '/2.0/folders/0', {}],
  ['POST', '/oauth2/token', {}],
  ['POST', '/box/webhook', {}],
  ['POST', '/2015-03-31/functions/boxhooks-local-backfill/invocations', {}],
  [
    'POST',
    '/',
    { 'x-amz-target': 'DynamoDB_20120810.ListTables', 'content-type': 'application/x-amz-json-1.0' },
  ],
  ['POST', '/', { 'x-amz-target': 'AmazonSQS.ListQueues', 'content-type': 'application/x-amz-json-1.0' }],
  ['POST', '/', { 'x-amz-target': 'secretsmanager.GetSecretValue' }],
  ['POST', '/', { 'x-amz-target': 'Logs_20140328.FilterLogEvents' }],
]

describe('every server of the local stack', () => {
  test('is known: the page’s, SQS, DynamoDB, Secrets Manager and CloudWatch Logs', () => {
    expect(ports.length).toBe(5)
  })

  test('refuses requests under another name, and those of other pages, whatever they ask for', async () => {
    for (const port of ports) {
      const host = `localhost:${port}`
      for (const from of [
        { host: 'evil.example' },
        { host: `localhost.evil.example:${port}` },
        { host: 'evil.example', origin: 'http://evil.example' },
        { host, origin: 'http://evil.example' },
        { host, origin: `http://localhost:${port + 1}` },
        { host, origin: `https://localhost:${port}` },
        { host, origin: 'null' },
        { host: `127.0.0.1:${port}`, origin: `http://${host}` },
      ])
        for (const [method, path, headers] of ASKED) {
          const heard = await ask(port, method, path, { ...headers, ...from })
          expect([method, path, from, heard]).toEqual([
            method,
            path,
            from,
            {
              status: 403,
              allows: undefined,
              body: expect.stringContaining('Only programs and pages of this machine'),
            },
          ])
        }
    }
  })

  test('answers those of this machine, under either of its names', async () => {
    for (const port of ports)
      for (const host of [`localhost:${port}`, `127.0.0.1:${port}`])
        for (const [method, path, headers] of ASKED.slice(1))
          expect((await ask(port, method, path, { ...headers, host })).status).not.toBe(403)
    const { TableNames } = await stack.aws.dynamodb.send(new ListTablesCommand())
    const { QueueUrls } = await stack.aws.sqs.send(new ListQueuesCommand())
    expect({ TableNames, QueueUrls }).toEqual({
      TableNames: [stack.aws.table],
      QueueUrls: expect.arrayContaining([expect.stringContaining('boxhooks-local-')]),
    })
  })
})
