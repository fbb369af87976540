/** Does nothing: what a cold start costs that no function can do without. */
export const handler = async () => ({ statusCode: 202 })
