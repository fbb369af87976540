const { refusal } = require('./refusal.cjs')

/** The variable that says which part of the events is logged though nothing is wrong; none where all are. */
exports.logSample = async resolveVariable => {
  const rate = Number(await resolveVariable('param:logSampleRate'))
  if (!(rate >= 0 && rate <= 1))
    throw refusal(
      'params.logSampleRate must be a number from 0 (only what is out of the ordinary) to 1 (everything).',
    )
  return rate === 1 ? {} : { LOG_SAMPLE_RATE: String(rate) }
}
