/** Whether a stage takes V1 callbacks. What --param gives is text. */
exports.takesV1 = async resolveVariable => String(await resolveVariable('param:v1Webhooks')) === 'true'

const ROUTES = { V1Route: 'ANY /box/v1', V1TokenRoute: 'ANY /box/v1/{token}' }

/**
 * What a stage needs to take V1 callbacks: a secret of its own for the tokens, ingest's right to read it, and routes of
 * their own, so that guessing at tokens can't use up what signed deliveries need.
 */
exports.v1 = async resolveVariable => {
  const [rate, burst] = await Promise.all(
    ['v1RequestsPerSecond', 'v1RequestsBurst'].map(async name =>
      Number(await resolveVariable(`param:${name}`)),
    ),
  )
  const throttle = { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst }
  return {
    extensions: {
      // A stage can't have settings for a route that does not exist yet.
      HttpApiStage: {
        DependsOn: Object.keys(ROUTES),
        Properties: {
          RouteSettings: Object.fromEntries(Object.values(ROUTES).map(key => [key, throttle])),
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
}

const route = RouteKey => ({
  Type: 'AWS::ApiGatewayV2::Route',
  Properties: {
    ApiId: { Ref: 'HttpApi' },
    RouteKey,
    Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'HttpApiIntegrationIngest' }]] },
  },
})
