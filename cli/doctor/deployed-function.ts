import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda'
import { asked, Unjudged } from './check.ts'
import type { Scene } from './context.ts'

/** A function as Lambda has it. */
export type FunctionState = {
  readonly state: string
  readonly lastUpdate: string
  readonly runtime: string
  readonly architecture: string
  readonly timeoutSeconds: number
  readonly env: Readonly<Record<string, string>>
}

/**
 * Asks Lambda for a function of a stage, once for all checks.
 * @throws Unjudged
 */
export function deployedFunction(scene: Scene, name: string, signal: AbortSignal): Promise<FunctionState> {
  const known = scene.functions.get(name) ?? ask(scene, name, signal)
  scene.functions.set(name, known)
  return known
}

async function ask(scene: Scene, name: string, signal: AbortSignal): Promise<FunctionState> {
  const FunctionName = functionName(scene, name)
  const right = `lambda:GetFunctionConfiguration on ${FunctionName}`
  const found = await asked(scene, right, signal, options =>
    scene.clients.lambda.send(new GetFunctionConfigurationCommand({ FunctionName }), options).catch(error => {
      if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined
      throw error
    }),
  )
  if (!found) throw new Unjudged(`There is no function ${FunctionName}. Deploy the stage again.`)
  return {
    state: found.State ?? 'Active',
    lastUpdate: found.LastUpdateStatus ?? 'Successful',
    runtime: found.Runtime ?? '',
    architecture: found.Architectures?.[0] ?? '',
    timeoutSeconds: found.Timeout ?? 0,
    env: found.Environment?.Variables ?? {},
  }
}

export const functionName = ({ place }: Pick<Scene, 'place'>, name: string): string =>
  `boxhooks-${'stage' in place ? place.stage : 'local'}-${name}`
