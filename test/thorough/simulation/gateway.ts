import type { APIGatewayProxyEventV2, APIGatewayProxyResult } from 'aws-lambda'
import type { Request } from './forgery.ts'
import type { SimulatedLambda } from './lambda.ts'
import type { Random } from './random.ts'

/** What comes back for a request: what the function said, or API Gateway itself where the function said nothing. */
export type Response = { readonly status: number; readonly body: string; readonly fromFunction: boolean }

export type Ingest = SimulatedLambda<APIGatewayProxyEventV2, APIGatewayProxyResult>

/** API Gateway's HTTP API in front of ingest. */
export class SimulatedGateway {
  readonly #ingest: Ingest
  readonly #random: Random

  constructor(ingest: Ingest, random: Random) {
    this.#ingest = ingest
    this.#random = random
  }

  async request(request: Request): Promise<Response> {
    try {
      const { statusCode, body } = await this.#ingest.invoke(this.#eventOf(request))
      return { status: statusCode, body, fromFunction: true }
    } catch {
      return { status: 503, body: '{"message":"Service Unavailable"}', fromFunction: false }
    }
  }

  #eventOf({ headers, body }: Request): APIGatewayProxyEventV2 {
    const text = Buffer.from(body).toString()
    const asText = Buffer.from(text).equals(body) && this.#random.chance(0.8)
    return {
      version: '2.0',
      routeKey: '$default',
      rawPath: '/box/webhook',
      rawQueryString: '',
      headers,
      requestContext: REQUEST_CONTEXT,
      body: asText ? text : Buffer.from(body).toString('base64'),
      isBase64Encoded: !asText,
    }
  }
}

const REQUEST_CONTEXT: APIGatewayProxyEventV2['requestContext'] = {
  accountId: '000000000000',
  apiId: 'simulated',
  domainName: 'hooks.test',
  domainPrefix: 'hooks',
  http: {
    method: 'POST',
    path: '/box/webhook',
    protocol: 'HTTP/1.1',
    sourceIp: '192.0.2.1',
    userAgent: 'Box-WH-Client/0.1',
  },
  requestId: 'simulated',
  routeKey: '$default',
  stage: '$default',
  time: '23/Nov/2026:10:00:00 +0000',
  timeEpoch: 0,
}
