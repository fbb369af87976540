const { refusal } = require('./refusal.cjs')

/**
 * Says whether a stage takes V1 callbacks, and how their parameters are named. What --param gives is text.
 * @returns undefined where it takes none; else the names, which are empty where they are those of Box's templates
 */
exports.v1Callbacks = async resolveVariable => {
  const value = String((await resolveVariable('param:v1Webhooks')) ?? 'false').trim()
  if (value === 'false' || value === '') return undefined
  if (value === 'true') return { names: '' }
  if (value.includes('=')) return { names: value }
  throw refusal(
    'params.v1Webhooks must be true, false, or the names of callback parameters, such as "item_id=file, token=secret".',
  )
}

const ROUTES = { V1Route: 'ANY /box/v1', V1TokenRoute: 'ANY /box/v1/{token}' }

/** Requests a second, and at a time. Nothing signs these requests, so guessing at tokens must stay slow. */
const THROTTLE = { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 }

const route = RouteKey => ({
  Type: 'AWS::ApiGatewayV2::Route',
  Properties: {
    ApiId: { Ref: 'HttpApi' },
    RouteKey,
    Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'HttpApiIntegrationIngest' }]] },
  },
})

/**
 * What a stage needs to take V1 callbacks: a secret of its own for the tokens, ingest's right to read it, and routes of
 * their own, so that guessing at tokens can't use up what signed deliveries need.
 */
exports.V1 = {
  extensions: {
    // A stage can't have settings for a route that does not exist yet.
    HttpApiStage: {
      DependsOn: Object.keys(ROUTES),
      Properties: {
        RouteSettings: Object.fromEntries(Object.values(ROUTES).map(key => [key, THROTTLE])),
      },
    },
  },
  Resources: {
    ...Object.fromEntries(Object.entries(ROUTES).map(([id, RouteKey]) => [id, route(RouteKey)])),
    V1Secret: {
      Type: 'AWS::SecretsManager::Secret',
      Properties: {
        Description: 'The shared tokens of V1 callbacks, primary and secondary',
        SecretString: '{"primary":"","secondary":""}',
      },
    },
    V1Rights: {
      Type: 'AWS::IAM::Policy',
      Properties: {
        PolicyName: 'ingest-v1',
        Roles: [{ Ref: 'IngestRole' }],
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Sid: 'ReadV1Tokens',
              Effect: 'Allow',
              Action: 'secretsmanager:GetSecretValue',
              Resource: { Ref: 'V1Secret' },
            },
          ],
        },
      },
    },
  },
  Outputs: {
    V1SecretArn: { Value: { Ref: 'V1Secret' } },
    V1WebhookUrl: {
      Description: 'The address of V1 webhooks; a token comes behind it, or as a callback parameter',
      Value: { 'Fn::Sub': 'https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/box/v1' },
    },
  },
}
