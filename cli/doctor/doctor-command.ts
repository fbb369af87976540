import { Command } from 'commander'
import { withPlaceOptions } from '../place/place.ts'
import type { DoctorOptions } from './doctor.ts'

/**
 * Makes the command `doctor`.
 * @param port reads a port
 */
export const doctorCommand = (port: (text: string) => number): Command =>
  withPlaceOptions(
    new Command('doctor')
      // 1 says that something is ill, so what was asked wrongly needs another code.
      .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
      .description('look a stage over from end to end, and say what to do about what is not well'),
    port,
  )
    .option('--json', 'print JSON')
    .action(async (options: DoctorOptions) => (await import('./doctor.ts')).doctor(options))
