import type { Hono } from 'hono'
import { type Lambda, LambdaFailure } from '../runtime/lambda.ts'

/**
 * Adds the call of Lambda's API that invokes a function and waits for what it returns.
 * @param functions by their names
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export function lambdaApi(app: Hono, functions: ReadonlyMap<string, Pick<Lambda, 'invoke'>>): void {
  app.post('/2015-03-31/functions/:name/invocations', async c => {
    const called = functions.get(c.req.param('name'))
    if (!called)
      return c.json({ Type: 'User', Message: `Function not found: ${c.req.param('name')}` }, 404, {
        'x-amzn-errortype': 'ResourceNotFoundException',
      })
    const payload: unknown = await c.req.json().catch(() => ({}))
    try {
      return c.json(await called.invoke(payload))
    } catch (error) {
      if (!(error instanceof LambdaFailure)) throw error
      return c.json({ errorType: 'Error', errorMessage: error.message }, 200, {
        'x-amz-function-error': 'Unhandled',
      })
    }
  })
}
