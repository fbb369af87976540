/** Measures the trace that `boxhooks cost` computes from, and writes it to cli/cost/trace.json. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseTrace, type Trace } from '../../../cli/cost/trace.ts'
import { EXAMPLES, ROOT } from '../../../infra/bundle.ts'
import { packageStage } from '../../../infra/package.ts'
import { measure } from './measure.ts'
import { stackFacts } from './stack-facts.ts'

const FILE = join('cli', 'cost', 'trace.json')

const { template } = await packageStage({ stage: 'local', project: EXAMPLES })
const { metrics, ...measured } = await measure({ template })
const trace: Trace = {
  measured: new Date().toISOString().slice(0, 10),
  stack: stackFacts(template, metrics),
  ...measured,
}
const json = `${JSON.stringify(trace, null, 2)}\n`
parseTrace(json)
await writeFile(join(ROOT, FILE), json)
console.log(`${FILE} has ${trace.events.length} kinds of events now.`)
