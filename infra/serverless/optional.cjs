const { refusal } = require('./refusal.cjs')
const { takesV1, v1 } = require('./v1.cjs')

/** The parts of the stack that exist only where a param asks for them. Read by osls. */
module.exports = async ({ resolveVariable }) => {
  const [alarmEmail, domainName, certificateArn, tracing, silenceHours] = await Promise.all(
    ['alarmEmail', 'domainName', 'certificateArn', 'tracing', 'silenceHours'].map(name =>
      resolveVariable(`param:${name}`),
    ),
  )
  if (domainName && !certificateArn)
    throw refusal(
      'params.domainName needs params.certificateArn as well: the ARN of a certificate for that domain in the same region.',
    )
  const parts = [alarmEmail && subscription(alarmEmail), domainName && domain(domainName, certificateArn)]
  // What --param gives is text; Lambda's own word is taken as well.
  if (['true', 'Active'].includes(String(tracing))) parts.push(traces())
  if (Number(silenceHours) !== 0) parts.push(await silence(Number(silenceHours), resolveVariable))
  if (await takesV1(resolveVariable)) parts.push(await v1(resolveVariable))
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
    ReconcileLambdaFunction: { DependsOn: ['TracePolicy'] },
    BackfillLambdaFunction: { DependsOn: ['TracePolicy'] },
  },
  Resources: {
    TracePolicy: {
      Type: 'AWS::IAM::ManagedPolicy',
      Properties: {
        Roles: [
          { Ref: 'IngestRole' },
          { Ref: 'AutomateRole' },
          { Ref: 'ReconcileRole' },
          { Ref: 'BackfillRole' },
        ],
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

/** CloudWatch looks back at most seven days, in periods of an hour. */
const SILENCE_HOURS_MAX = 168

const silence = async (hours, resolveVariable) => {
  if (!Number.isInteger(hours) || hours < 1 || hours > SILENCE_HOURS_MAX)
    throw refusal(
      `params.silenceHours must be a whole number of hours from 1 to ${SILENCE_HOURS_MAX}, or 0 for no alarm.`,
    )
  const [service, stage] = await Promise.all(['self:service', 'sls:stage'].map(resolveVariable))
  return {
    Resources: {
      BoxSilentAlarm: {
        Type: 'AWS::CloudWatch::Alarm',
        Properties: {
          AlarmDescription: `Nothing that Box has sent was accepted for ${hours} hours. Nothing may have happened there; or the webhooks are gone, or point elsewhere: see what reconcile says.`,
          Namespace: `${service}/${stage}`,
          MetricName: 'DeliveriesAccepted',
          Statistic: 'Sum',
          Period: 3600,
          EvaluationPeriods: hours,
          Threshold: 1,
          ComparisonOperator: 'LessThanThreshold',
          TreatMissingData: 'breaching',
          AlarmActions: [{ Ref: 'AlarmTopic' }],
          OKActions: [{ Ref: 'AlarmTopic' }],
        },
      },
    },
  }
}
