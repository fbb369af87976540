const { refusal } = require('./refusal.cjs')

/** What AWS advises: six times the function's timeout, and the batching window on top. */
const SIX_TIMEOUTS = 6 * 60

/**
 * The queue's visibility timeout, in seconds. Messages are hidden from when the poller receives them, so what they wait
 * for others to fill a batch counts as well. Read by osls.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
 */
module.exports = async ({ resolveVariable }) => {
  const window = Number(await resolveVariable('param:automateWindowSeconds'))
  if (!(Number.isInteger(window) && window >= 0 && window <= 300))
    throw refusal('params.automateWindowSeconds must be a whole number of seconds from 0 to 300.')
  return SIX_TIMEOUTS + window
}
