const { logSample } = require('./log-sample.cjs')
const { metrics } = require('./logging.cjs')
const { takesV1 } = require('./v1.cjs')
const { version } = require('./version.cjs')

/** The environment of ingest. Its V1 route exists where it is told of a secret with tokens. Read by osls. */
module.exports = async ({ resolveVariable }) => {
  const environment = {
    QUEUE_URL: { Ref: 'Queue' },
    BOXHOOKS_VERSION: version(),
    SIGNATURE_KEYS_SECRET_ID: { Ref: 'SignatureKeysSecret' },
    ...(await metrics(resolveVariable)),
    ...(await logSample(resolveVariable)),
  }
  if (!(await takesV1(resolveVariable))) return environment
  const names = String((await resolveVariable('param:v1Parameters')) ?? '').trim()
  return { ...environment, V1_SECRET_ID: { Ref: 'V1Secret' }, ...(names ? { V1_PARAMETERS: names } : {}) }
}
