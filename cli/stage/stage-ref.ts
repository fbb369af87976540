import { regionOf } from '../../infra/stage/aws-reason.ts'
import { stageProblem } from '../../infra/stage/stage-name.ts'
import { usageError } from '../terminal/command-error.ts'
import { PORT, type StageOptions } from '../terminal/options.ts'

/** A deployed stage, or the local stack that listens on a port. */
export type StageRef = { readonly stage: string; readonly region: string } | { readonly port: number }

/**
 * Reads which stage a command works at.
 * @throws CommandError
 */
export function readStageRef({ stage, region, local, port }: StageOptions): StageRef {
  if (local && stage === undefined) return { port }
  if (stage === undefined || local)
    throw usageError('Specify --stage NAME for a deployed stage, or --local for the local stack.')
  const problem = stageProblem(stage)
  if (problem !== undefined) throw usageError(problem)
  return { stage, region: regionOf(region) }
}

/** Formats a stage for people. */
export const formatStage = (ref: StageRef): string =>
  'stage' in ref ? `stage ${ref.stage}` : 'the local stack'

/** Formats the options that name a stage, for commands that are suggested. */
export const formatStageFlags = (ref: StageRef): string =>
  'stage' in ref ? `--stage ${ref.stage}` : ref.port === PORT ? '--local' : `--local --port ${ref.port}`
