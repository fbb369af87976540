import { Hono } from 'hono'
import type { Aws } from '../aws/aws.ts'
import { lambdaApi } from '../aws/lambda-api.ts'
import type { EmulatedBox } from '../box/emulated-box.ts'
import { type Acts, actionRoutes } from '../inspector/actions/actions.ts'
import { heardRoutes } from '../inspector/heard-routes.ts'
import { createInspector, type InspectorSource } from '../inspector/inspector.ts'
import type { Lambda } from './lambda.ts'

export type SiteParts = {
  readonly box: EmulatedBox
  readonly source: InspectorSource
  readonly acts: Acts
  readonly aws: Pick<Aws, 'queueUrl' | 'deadLetterQueueUrl' | 'table' | 'env'>
  /** What else a deployed stage's outputs tell. */
  readonly outputs: Readonly<Record<string, string>>
  /** Answers everything that is neither the page's nor Box's: ingest. */
  readonly gateway: (request: Request) => Promise<Response>
  /** The functions by their names, to be invoked as Lambda's own API does it. */
  readonly functions: ReadonlyMap<string, Pick<Lambda, 'invoke'>>
}

/** Answers every request to the local stack. */
export type Site = (request: Request) => Response | Promise<Response>

/** The one origin of the local stack: the page and its data, the emulated Box's API, and ingest. */
export async function createSite(parts: SiteParts): Promise<Site> {
  const page = await createInspector(parts.source)
  actionRoutes(page, parts.acts)
  stageRoute(page, parts)
  heardRoutes(page, parts.source.journal)
  lambdaApi(page, parts.functions)
  const app = new Hono()
  app.route('/', page)
  for (const path of ['/2.0/*', '/api/2.0/*', '/oauth2/token']) app.all(path, c => parts.box.fetch(c.req.raw))
  app.all('*', c => parts.gateway(c.req.raw))
  return request => app.fetch(request)
}

/** What commands need to reach the stack: what a deployed stage's outputs tell, and where its AWS answers. */
function stageRoute(page: Hono, { aws, outputs }: SiteParts): void {
  page.get('/_local/stage', c => {
    const { queueUrl: QueueUrl, deadLetterQueueUrl: DeadLetterQueueUrl, table: LedgerTable, env } = aws
    return c.json({ outputs: { ...outputs, QueueUrl, DeadLetterQueueUrl, LedgerTable }, env })
  })
}
