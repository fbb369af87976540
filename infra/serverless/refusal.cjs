/** An error whose message is all that osls prints: it prints the stack, which says nothing to who forgot a setting. */
exports.refusal = (message, options) => {
  const error = new Error(message, options)
  error.stack = message
  return error
}
