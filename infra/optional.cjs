const { refusal } = require('./refusal.cjs')

/** The parts of the stack that exist only where a param asks for them. Read by osls. */
module.exports = async ({ resolveVariable }) => {
  const [alarmEmail, domainName, certificateArn, tracing] = await Promise.all(
    ['alarmEmail', 'domainName', 'certificateArn', 'tracing'].map(name => resolveVariable(`param:${name}`)),
  )
  if (domainName && !certificateArn)
    throw refusal(
      'params.domainName needs params.certificateArn as well: the ARN of a certificate for that domain in the same region.',
    )
  const parts = [alarmEmail && subscription(alarmEmail), domainName && domain(domainName, certificateArn)]
  // What --param gives is text; Lambda's own word is taken as well.
  if (['true', 'Active'].includes(String(tracing))) parts.push(traces())
  const present = parts.filter(Boolean)
  return {
    extensions: Object.assign({}, ...present.map(({ extensions }) => extensions)),
    Resources: Object.assign({}, ...present.map(({ Resources }) => Resources)),
    Outputs: Object.assign({}, ...present.map(({ Outputs }) => Outputs)),
  }
}

const subscription = Endpoint => ({
  Resources: {
    AlarmSubscription: {
      Type: 'AWS::SNS::Subscription',
      Properties: { TopicArn: { Ref: 'AlarmTopic' }, Protocol: 'email', Endpoint },
    },
  },
})

const domain = (DomainName, CertificateArn) => ({
  Resources: {
    Domain: {
      Type: 'AWS::ApiGatewayV2::DomainName',
      Properties: {
        DomainName,
        DomainNameConfigurations: [{ CertificateArn, EndpointType: 'REGIONAL', SecurityPolicy: 'TLS_1_2' }],
      },
    },
    DomainMapping: {
      Type: 'AWS::ApiGatewayV2::ApiMapping',
      Properties: {
        ApiId: { Ref: 'HttpApi' },
        DomainName: { Ref: 'Domain' },
        Stage: { Ref: 'HttpApiStage' },
      },
    },
  },
  Outputs: {
    DomainTarget: {
      Description: `Point ${DomainName} here with a CNAME or alias record`,
      Value: { 'Fn::GetAtt': ['Domain', 'RegionalDomainName'] },
    },
    DomainWebhookUrl: { Value: `https://${DomainName}/box/webhook` },
  },
})

const traces = () => ({
  // Lambda refuses to trace a function whose role may not send traces, so the policy comes first.
  extensions: {
    IngestLambdaFunction: { DependsOn: ['TracePolicy'] },
    AutomateLambdaFunction: { DependsOn: ['TracePolicy'] },
  },
  Resources: {
    TracePolicy: {
      Type: 'AWS::IAM::ManagedPolicy',
      Properties: {
        Roles: [{ Ref: 'IngestRole' }, { Ref: 'AutomateRole' }],
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
              // X-Ray knows no resources to name here.
              Resource: '*',
            },
          ],
        },
      },
    },
  },
})
