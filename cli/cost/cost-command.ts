import { Command, InvalidArgumentError, Option } from 'commander'
import { regionOf } from '../../infra/aws-reason.ts'
import { stage } from '../terminal/options.ts'
import type { Shell } from '../terminal/shell.ts'
import { DEFAULTS } from './assumptions.ts'
import type { CostOptions } from './cost.ts'

/** Makes the command `cost`. */
export function costCommand(shell: Shell): Command {
  const { ingestMs, automateMs, batch, pollers, retryShare, duplicateShare, coldShare } = DEFAULTS
  const command = new Command('cost').description(
    'what boxhooks costs on AWS in a month, by component, from measured requests and dated prices',
  )
  const option = (
    flags: string,
    description: string,
    read: (text: string) => number,
    value?: number,
  ): Command => {
    const one = new Option(flags, description).argParser(read)
    return command.addOption(value === undefined ? one : one.default(value))
  }
  command.addOption(
    new Option('--events-per-month <number>', 'how many events Box tells of')
      .argParser(numberIn(0, 1e12, true))
      .makeOptionMandatory(),
  )
  command.option('--region <region>', 'where (or set AWS_REGION)')
  command.addOption(
    new Option('--from-stage <stage>', 'scale what CloudWatch has counted of a deployed stage').argParser(
      stage,
    ),
  )
  option('--days <number>', 'how many days of it', numberIn(1, 455, true), 30)
  option('--automations <number>', 'how many run at an event', numberIn(0, 20), 1)
  option('--body-kb <number>', 'how large a delivery is', numberIn(0, 64), 1)
  option('--batch <number>', 'how many events come at a time', numberIn(1, 10), batch)
  option('--retries <percent>', 'events that take a second attempt', numberIn(0, 100), retryShare * 100)
  option('--duplicates <percent>', 'deliveries that come twice', numberIn(0, 100), duplicateShare * 100)
  option(
    '--cold <percent>',
    'invocations that start an instance though there are some',
    numberIn(0, 100),
    coldShare * 100,
  )
  option('--ingest-ms <number>', 'how long ingest takes', numberIn(1, 10_000), ingestMs)
  option('--automate-ms <number>', 'how long an event’s automations take', numberIn(1, 60_000), automateMs)
  option('--ingest-memory <mb>', 'the stage’s ingestMemoryMb', numberIn(128, 10_240, true))
  option('--automate-memory <mb>', 'the stage’s automateMemoryMb', numberIn(128, 10_240, true))
  option(
    '--pollers <number>',
    'how many requests Lambda keeps waiting at a queue',
    numberIn(0, 1000),
    pollers,
  )
  option('--log-sample <rate>', 'the stage’s logSampleRate, from 0 to 1', numberIn(0, 1), 1)
  return command
    .option('--prices <file>', 'a table of prices of your own, such as for a region that is not here')
    .option('--free-tier', 'take off what AWS gives every account for nothing')
    .option('--details', 'show each thing that is paid for')
    .option('--json', 'print JSON')
    .action(async (options: Omit<CostOptions, 'region'> & { readonly region?: string }) =>
      (await import('./cost.ts')).cost(shell, { ...options, region: regionOf(options.region) }),
    )
}

const numberIn =
  (least: number, most: number, whole = false) =>
  (text: string): number => {
    const value = /^\d{1,13}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value
    const kind = whole ? 'whole number' : 'number'
    throw new InvalidArgumentError(`It must be a ${kind} from ${least} to ${most}.`)
  }
