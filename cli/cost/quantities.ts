import type { PriceName } from './prices.ts'

/** The parts of the stack that cost something, as people are told of them. */
export const COMPONENTS = [
  'front door',
  'ingest',
  'queue',
  'automate',
  'ledger',
  'logs',
  'reconcile',
  'secrets',
  'monitoring',
] as const

export type Component = (typeof COMPONENTS)[number]

type QuantityInfo = {
  readonly component: Component
  readonly what: string
  readonly price: PriceName
  /** How many one price is for. */
  readonly per: number
}

const MILLION = 1_000_000

const quantity = (component: Component, what: string, price: PriceName, per = 1): QuantityInfo => ({
  component,
  what,
  price,
  per,
})

/** Everything of a stage that AWS bills, by the month. */
export const QUANTITIES = {
  httpRequests: quantity('front door', 'HTTP API requests', 'httpApiMillion', MILLION),
  ingestInvocations: quantity('ingest', 'invocations', 'lambdaMillion', MILLION),
  ingestGbSeconds: quantity('ingest', 'GB-seconds', 'lambdaGbSecond'),
  queueRequests: quantity('queue', 'requests for events', 'sqsMillion', MILLION),
  idlePolls: quantity('queue', 'requests of the pollers while idle', 'sqsMillion', MILLION),
  automateInvocations: quantity('automate', 'invocations', 'lambdaMillion', MILLION),
  automateGbSeconds: quantity('automate', 'GB-seconds', 'lambdaGbSecond'),
  writeUnits: quantity('ledger', 'write units', 'writeUnitMillion', MILLION),
  readUnits: quantity('ledger', 'read units', 'readUnitMillion', MILLION),
  tableGb: quantity('ledger', 'GB in the table', 'tableGbMonth'),
  backupGb: quantity('ledger', 'GB with point-in-time recovery', 'backupGbMonth'),
  logGb: quantity('logs', 'GB taken in', 'logGb'),
  logStoredGb: quantity('logs', 'GB kept, as compressed', 'logGbMonth'),
  reconcileInvocations: quantity('reconcile', 'invocations', 'lambdaMillion', MILLION),
  reconcileGbSeconds: quantity('reconcile', 'GB-seconds', 'lambdaGbSecond'),
  secrets: quantity('secrets', 'secrets', 'secretMonth'),
  secretReads: quantity('secrets', 'reads', 'secretReadMillion', MILLION),
  alarms: quantity('monitoring', 'alarms', 'alarmMonth'),
  metrics: quantity('monitoring', 'metrics of our own', 'metricMonth'),
  dashboards: quantity('monitoring', 'dashboards', 'dashboardMonth'),
} as const satisfies Readonly<Record<string, QuantityInfo>>

export type QuantityName = keyof typeof QUANTITIES

export const QUANTITY_NAMES = Object.keys(QUANTITIES).filter((name): name is QuantityName =>
  Object.hasOwn(QUANTITIES, name),
)

/** What there is of something in a month: whatever happens, and for the events. */
export type Amount = { readonly fixed: number; readonly forEvents: number }

/** What a stage uses in a month. */
export type Usage = Readonly<Record<QuantityName, Amount>>
