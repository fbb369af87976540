import { text } from 'node:stream/consumers'
import { parseObject } from '../../../lib/json.ts'
import { loadHandler } from '../../../local/handler.ts'

// One Lambda and nothing else: what its process has taken at most is told at the end, in MB.
const { bundle, events } = parseObject(await text(process.stdin)) ?? {}
const handle = await loadHandler(String(bundle))
for (const event of Array.isArray(events) ? events : []) {
  const deadline = Date.now() + 60_000
  const result = await handle({ event, requestId: 'memory', functionName: 'memory', memoryMb: 256, deadline })
  if (!result.ok) throw new Error(`${result.name}: ${result.message}`)
}
process.stdout.write(`\nPEAK ${Math.ceil(process.resourceUsage().maxRSS / 1024)}\n`)
process.exit()
