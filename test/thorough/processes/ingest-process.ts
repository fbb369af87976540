import { randomUUID } from 'node:crypto'
import { createGateway } from '../../../local/runtime/gateway.ts'
import { loadHandler } from '../../../local/runtime/handler.ts'
import { serve } from '../../../local/serve.ts'
import { numberIn, textIn } from './channel.ts'
import { settings, tell } from './parent.ts'

// The gateway and ingest behind it. One instance takes many requests at a time, so that they share what it keeps.
const handle = await loadHandler(textIn(settings, 'bundle'))
const timeoutMs = numberIn(settings, 'timeoutMs')

const gateway = createGateway({
  now: () => Date.now(),
  async invoke(event) {
    const deadline = Date.now() + timeoutMs
    const invocation = { event, requestId: randomUUID(), functionName: 'ingest', memoryMb: 256, deadline }
    const result = await handle(invocation)
    if (!result.ok) throw new Error(`${result.name}: ${result.message}`)
    return result.value
  },
})
const { port } = await serve({ fetch: gateway, port: 0 })
tell({ kind: 'ready', url: `http://127.0.0.1:${port}` })
