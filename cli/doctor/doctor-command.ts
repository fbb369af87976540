import { Command } from 'commander'
import { withJson, withStageOptions } from '../terminal/options.ts'
import type { Shell } from '../terminal/shell.ts'
import type { DoctorOptions } from './doctor.ts'

/** Makes the command `doctor`. */
export const doctorCommand = (shell: Shell): Command =>
  withJson(withStageOptions(new Command('doctor').description('Check a stage and suggest fixes'))).action(
    async (options: DoctorOptions) => (await import('./doctor.ts')).doctor(shell, options),
  )
