const { refusal } = require('./refusal.cjs')

/**
 * The front door: an HTTP API, or ingest's own function URL, which costs nothing but has no throttle, no access log and no
 * domain of one's own. Read by osls.
 */
async function endpointOf(resolveVariable) {
  const kind = String(await resolveVariable('param:endpoint'))
  if (kind === 'http-api') return HTTP_API
  if (kind !== 'function-url')
    throw refusal(`params.endpoint is "${kind}", but must be http-api or function-url; see docs/cost.md.`)
  const [domainName, v1Webhooks] = await Promise.all(
    ['domainName', 'v1Webhooks'].map(name => resolveVariable(`param:${name}`)),
  )
  if (domainName)
    throw refusal(
      'params.domainName needs params.endpoint to be http-api: a function URL can have no domain of your own.',
    )
  if (String(v1Webhooks) === 'true')
    throw refusal(
      'params.v1Webhooks needs params.endpoint to be http-api: only that has a throttle of its own for V1 callbacks, which keeps guessing at their tokens from using up what signed deliveries need.',
    )
  return FUNCTION_URL
}

const HTTP_API = {
  events: [{ httpApi: '*' }, { httpApi: 'ANY /box/webhook' }],
  url: path => ({ 'Fn::Sub': `https://\${HttpApi}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}${path}` }),
  /** Its metrics in CloudWatch. */
  metrics: {
    namespace: 'AWS/ApiGateway',
    dimension: 'ApiId',
    resource: 'HttpApi',
    /** The same, for Fn::Sub. */
    reference: '${HttpApi}',
    requests: 'Count',
    refused: '4xx',
    failed: '5xx',
    latency: 'Latency',
  },
  async resources(resolveVariable) {
    const [rate, burst] = await Promise.all(
      ['requestsPerSecond', 'requestsBurst'].map(name => resolveVariable(`param:${name}`)),
    )
    return {
      extensions: {
        HttpApiStage: {
          Properties: {
            DefaultRouteSettings: { ThrottlingRateLimit: Number(rate), ThrottlingBurstLimit: Number(burst) },
          },
        },
      },
    }
  },
}

const FUNCTION_URL = {
  events: [],
  url: path => ({ 'Fn::Sub': `\${IngestUrl.FunctionUrl}${path.slice(1)}` }),
  metrics: {
    namespace: 'AWS/Lambda',
    dimension: 'FunctionName',
    resource: 'IngestLambdaFunction',
    reference: '${IngestLambdaFunction}',
    requests: 'UrlRequestCount',
    refused: 'Url4xxCount',
    failed: 'Url5xxCount',
    latency: 'UrlRequestLatency',
  },
  async resources() {
    const FunctionName = { 'Fn::GetAtt': ['IngestLambdaFunction', 'Arn'] }
    return {
      Resources: {
        IngestUrl: {
          Type: 'AWS::Lambda::Url',
          // Nobody is known before the signature is verified, which ingest does.
          Properties: { AuthType: 'NONE', TargetFunctionArn: FunctionName },
        },
        // Since October 2025 a function URL takes both rights.
        IngestUrlPermission: {
          Type: 'AWS::Lambda::Permission',
          Properties: {
            Action: 'lambda:InvokeFunctionUrl',
            FunctionName,
            Principal: '*',
            FunctionUrlAuthType: 'NONE',
          },
        },
        IngestInvokePermission: {
          Type: 'AWS::Lambda::Permission',
          Properties: {
            Action: 'lambda:InvokeFunction',
            FunctionName,
            Principal: '*',
            InvokedViaFunctionUrl: true,
          },
        },
      },
    }
  },
}

/** What brings requests to ingest. */
exports.events = async ({ resolveVariable }) => (await endpointOf(resolveVariable)).events

/** How CloudWatch measures the front door. */
exports.metrics = async ({ resolveVariable }) => (await endpointOf(resolveVariable)).metrics

/** What the front door needs in the template, and where it is. */
exports.resources = async ({ resolveVariable }) => {
  const endpoint = await endpointOf(resolveVariable)
  return {
    ...(await endpoint.resources(resolveVariable)),
    Outputs: {
      WebhookUrl: {
        Description: "The address that Box's webhooks deliver to",
        Value: endpoint.url('/box/webhook'),
      },
    },
  }
}

/** The address of the webhooks where no domain is named. */
exports.webhookAddress = async resolveVariable => (await endpointOf(resolveVariable)).url('/box/webhook')
