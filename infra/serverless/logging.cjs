const { refusal } = require('./refusal.cjs')

/** What a function is told of its metrics: CloudWatch's namespace, which is the stage's own, and which to write. */
exports.metrics = async resolveVariable => {
  const [service, stage, which] = await Promise.all(
    ['self:service', 'sls:stage', 'param:metrics'].map(resolveVariable),
  )
  if (which !== 'all' && which !== 'alarms')
    throw refusal('params.metrics must be all, or alarms for only those that an alarm rests on.')
  return { METRICS_NAMESPACE: `${service}/${stage}`, METRICS: which }
}

/** And, where automations have to do with it, whether logs may tell names. What --param gives is text. */
exports.logging = async resolveVariable => {
  const details = String(await resolveVariable('param:logDetails'))
  if (details !== 'true' && details !== 'false') throw refusal('params.logDetails must be true or false.')
  return { ...(await exports.metrics(resolveVariable)), LOG_DETAILS: details }
}
