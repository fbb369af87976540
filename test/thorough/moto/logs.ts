import {
  type CloudWatchLogsClient,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { systemClock } from '../../../lib/base/clock.ts'

/** What the functions wrote and nobody has brought to CloudWatch yet. */
const written: { readonly name: string; readonly message: string; readonly timestamp: number }[] = []
const streams = new Set<string>()

/** Keeps a line that a function has written, and shows it. */
export function keepLine(name: string, message: string): void {
  console.log(`    ${name} ${message}`)
  written.push({ name, message, timestamp: systemClock.now() })
}

/** Writes into CloudWatch what the functions have written, as Lambda does it. */
export async function writeLogs(logs: CloudWatchLogsClient): Promise<void> {
  const lines = written.splice(0)
  for (const name of new Set(lines.map(line => line.name))) {
    const stream = { logGroupName: `/aws/lambda/boxhooks-local-${name}`, logStreamName: 'stream' }
    if (!streams.has(name)) await logs.send(new CreateLogStreamCommand(stream))
    streams.add(name)
    const logEvents = lines
      .filter(line => line.name === name)
      .map(({ message, timestamp }) => ({ message, timestamp }))
    await logs.send(new PutLogEventsCommand({ ...stream, logEvents }))
  }
}
