import { Command } from 'commander'
import { withPlaceOptions } from '../stage/stage-ref.ts'
import type { Shell } from '../terminal/shell.ts'
import type { DoctorOptions } from './doctor.ts'

/** Makes the command `doctor`. */
export const doctorCommand = (shell: Shell): Command =>
  withPlaceOptions(
    new Command('doctor').description(
      'look a stage over from end to end, and say what to do about what is not well',
    ),
  )
    .option('--json', 'print JSON')
    .action(async (options: DoctorOptions) => (await import('./doctor.ts')).doctor(shell, options))
