const { endpoints } = require('./endpoints.cjs')
const { logSample } = require('./log-sample.cjs')
const { metrics } = require('./logging.cjs')
const { refusal } = require('./refusal.cjs')
const { v1Callbacks } = require('./v1.cjs')
const { version } = require('./version.cjs')

/** The environment of ingest. Its V1 route exists where it is told of a secret with tokens. Read by osls. */
module.exports = async ({ resolveVariable }) => {
  const environment = {
    QUEUE_URL: { Ref: 'Queue' },
    BOXHOOKS_VERSION: version(),
    SIGNATURE_KEYS_SECRET_ID: { Ref: 'SignatureKeysSecret' },
    SIGNATURE_AGE_MAX_SECONDS: String(60 * (await deliveryAgeMaxMinutes(resolveVariable))),
    ...(await metrics(resolveVariable)),
    ...(await logSample(resolveVariable)),
    ...(await endpoints(resolveVariable)),
  }
  const v1 = await v1Callbacks(resolveVariable)
  if (!v1) return environment
  return {
    ...environment,
    V1_SECRET_ID: { Ref: 'V1Secret' },
    ...(v1.names ? { V1_PARAMETERS: v1.names } : {}),
  }
}

/** The bounds are those of lib/ingest/ingest-function.ts. */
async function deliveryAgeMaxMinutes(resolveVariable) {
  const minutes = Number(await resolveVariable('param:deliveryAgeMaxMinutes'))
  if (!(Number.isInteger(minutes) && minutes >= 1 && minutes <= 180))
    throw refusal('params.deliveryAgeMaxMinutes must be a whole number of minutes from 1 to 180.')
  return minutes
}
