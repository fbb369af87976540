import { textIn } from './channel.ts'
import { type Child, startChild } from './child.ts'
import { type LedgerWrite, parseWrite } from './ledger-trace.ts'
import type { Cut } from './proxy.ts'

/** An AWS service in a process of its own, behind a proxy. */
export type Service = {
  /** Where it answers whatever happens to its network. */
  readonly direct: string
  /** Where it answers while it is not cut off. */
  readonly proxied: string
  readonly isCut: boolean
  /** Cuts it off for whoever goes through the proxy. */
  cut(how: Cut): Promise<void>
  restore(): Promise<void>
}

export type ServiceName = 'sqs' | 'dynamodb' | 'secrets'

export type ServicesOptions = {
  /** Name → value, which the functions read as JSON. */
  readonly secrets: Readonly<Record<string, object>>
  readonly onWrite: (write: LedgerWrite) => void
  /** Told when the ledger is cut off; the returned function, when it is not any more. */
  readonly onLedgerCut: () => () => void
  /** Told where a process ends that should not. */
  readonly onEnd: (reason: string) => void
}

/** Starts SQS, DynamoDB and Secrets Manager. */
export async function startServices(options: ServicesOptions): Promise<Record<ServiceName, Service>> {
  const start = async (service: ServiceName): Promise<Service> => {
    const child = await startChild({
      entry: 'service-process.ts',
      settings: { service, secrets: options.secrets },
    })
    child.listen(message => {
      if (message.kind === 'write') options.onWrite(parseWrite(message))
    })
    void child.ended.then(how => options.onEnd(`The process of ${service} ended: ${how}.`))
    return serviceOf(child, service === 'dynamodb' ? options.onLedgerCut : () => () => {})
  }
  const [sqs, dynamodb, secrets] = await Promise.all([start('sqs'), start('dynamodb'), start('secrets')])
  return { sqs, dynamodb, secrets }
}

function serviceOf(child: Child, onCut: () => () => void): Service {
  let over: (() => void) | undefined
  return {
    direct: textIn(child.ready, 'direct'),
    proxied: textIn(child.ready, 'proxied'),
    get isCut() {
      return over !== undefined
    },
    async cut(how) {
      over ??= onCut()
      await child.ask({ cut: how })
    },
    async restore() {
      await child.ask({ cut: 'none' })
      over?.()
      over = undefined
    },
  }
}
