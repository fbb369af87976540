const { refusal } = require('./refusal.cjs')
const { V1, v1Callbacks } = require('./v1.cjs')

/** The parts of the stack that exist only where a param asks for them. Read by osls. */
module.exports = async ({ resolveVariable }) => {
  const [alarmEmail, domainName, certificateArn, silenceHours] = await Promise.all(
    ['alarmEmail', 'domainName', 'certificateArn', 'silenceHours'].map(name =>
      resolveVariable(`param:${name}`),
    ),
  )
  if (domainName && !certificateArn)
    throw refusal(
      'params.domainName needs params.certificateArn as well: the ARN of a certificate for that domain in the same region.',
    )
  const parts = [alarmEmail && subscription(alarmEmail), domainName && domain(domainName, certificateArn)]
  if (Number(silenceHours) !== 0) parts.push(await silence(Number(silenceHours), resolveVariable))
  if (await v1Callbacks(resolveVariable)) parts.push(V1)
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
