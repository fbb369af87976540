import { isObject } from '../../../lib/base/json.ts'
import {
  type EmbeddedServer,
  startEmbeddedDynamoDb,
  startEmbeddedSqs,
} from '../../../local/aws/embedded-aws.ts'
import { createSecretsManager } from '../../../local/aws/secrets-manager.ts'
import { serve } from '../../../local/serve.ts'
import { traceWrites } from './ledger-trace.ts'
import { onAsk, settings, tell } from './parent.ts'
import { CUTS, startProxy } from './proxy.ts'

/** One of the AWS services in a process of its own, behind a proxy that can be cut off. */
const STARTS: Readonly<Record<string, () => Promise<string>>> = {
  sqs: async () => (await startEmbeddedSqs()).url,
  dynamodb: async () => {
    const server: EmbeddedServer = await startEmbeddedDynamoDb()
    traceWrites(server.http, write => tell({ kind: 'write', ...write }))
    return server.url
  },
  secrets: async () => {
    const values = isObject(settings.secrets) ? settings.secrets : {}
    const texts = Object.entries(values).map(([name, value]) => [name, JSON.stringify(value)] as const)
    const { port } = await serve({ fetch: createSecretsManager(Object.fromEntries(texts)).fetch, port: 0 })
    return `http://127.0.0.1:${port}`
  },
}

const direct = await STARTS[String(settings.service)]?.()
if (direct === undefined) throw new TypeError(`There is no service ${String(settings.service)}.`)
const proxy = await startProxy(Number(new URL(direct).port))
onAsk(async ({ cut }) => {
  const how = CUTS.find(one => one === cut)
  await (how ? proxy.cut(how) : proxy.restore())
})
tell({ kind: 'ready', direct, proxied: `http://127.0.0.1:${proxy.port}` })
