import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { parse } from 'yaml'
import { isObject } from '../../lib/base/json.ts'
import type { DoctorContext } from './context.ts'
import { type Check, CheckInconclusive, callAws, deployFix } from './context.ts'
import { type Finding, fail, ok, pluralize, warn } from './finding.ts'

const OUTPUTS = ['LedgerTable']

/** The ledger's table. */
export const LEDGER_CHECKS: readonly Check[] = [
  {
    group: 'Ledger',
    name: 'table',
    rights: ['dynamodb:DescribeTable'],
    outputs: OUTPUTS,
    run: checkTable,
  },
  {
    group: 'Ledger',
    name: 'expiry',
    rights: ['dynamodb:DescribeTimeToLive'],
    notLocal: 'Nothing in the local stack lives longer than its process.',
    outputs: OUTPUTS,
    run: checkExpiry,
  },
  {
    group: 'Ledger',
    name: 'recovery',
    rights: ['dynamodb:DescribeContinuousBackups'],
    notLocal: 'The local stack keeps no backups.',
    outputs: OUTPUTS,
    run: checkRecovery,
  },
]

const GONE =
  'The ledger’s table is gone, and with it the record of finished runs: a redelivered event would run again.'

async function checkTable(context: DoctorContext, signal: AbortSignal): Promise<Finding> {
  const { LedgerTable: TableName = '' } = context.outputs
  const right = `dynamodb:DescribeTable on ${TableName}`
  const found = await callAws(context, right, signal, options =>
    context.clients.dynamodb.send(new DescribeTableCommand({ TableName }), options).catch(unlessGone),
  )
  if (!found)
    return fail(
      GONE,
      'Restore it from a backup in the DynamoDB console under the same name, or deploy again.',
    )
  const { TableStatus: status = '', ItemCount = 0, GlobalSecondaryIndexes = [] } = found.Table ?? {}
  const indexes = new Map(
    GlobalSecondaryIndexes.map(({ IndexName = '', IndexStatus = '' }) => [IndexName, IndexStatus]),
  )
  const lacking = (await declaredIndexes(context.root)).filter(name => !indexes.has(name))
  if (lacking.length > 0)
    return fail(`The ledger’s table lacks the index ${lacking.join(', ')}.`, deployFix(context))
  if (!/^(ACTIVE|UPDATING)$/.test(status))
    return fail(
      `The ledger’s table is ${status || 'in no state'}.`,
      'Check the table in the DynamoDB console.',
    )
  const unready = [...indexes].filter(([, state]) => state !== 'ACTIVE')
  if (unready.length > 0)
    return warn(
      `${unready.map(([name, state]) => `The index ${name} is ${state}`).join('. ')}.`,
      'Wait until it is ACTIVE; large tables take hours.',
    )
  return ok(
    `The ledger’s table is ${status}, ${pluralize(indexes.size, 'index').replace('indexs', 'indexes')} ready, about ${pluralize(ItemCount, 'record')}.`,
  )
}

function unlessGone(error: unknown): undefined {
  if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined
  throw error
}

/** Reads which indexes this clone's template gives the table. */
async function declaredIndexes(root: string): Promise<string[]> {
  const text = await readFile(join(root, 'infra', 'cloudformation', 'ledger.yml'), 'utf8')
  const template: unknown = parse(text, { logLevel: 'error' })
  const at = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined)
  const indexes = at(at(at(at(template, 'Resources'), 'LedgerTable'), 'Properties'), 'GlobalSecondaryIndexes')
  return Array.isArray(indexes) ? indexes.map(index => String(at(index, 'IndexName'))) : []
}

async function checkExpiry(context: DoctorContext, signal: AbortSignal): Promise<Finding> {
  const { LedgerTable: TableName = '' } = context.outputs
  const answer = await callAws(context, `dynamodb:DescribeTimeToLive on ${TableName}`, signal, options =>
    context.clients.dynamodb.send(new DescribeTimeToLiveCommand({ TableName }), options).catch(unlessGone),
  )
  if (!answer) throw new CheckInconclusive('The ledger’s table does not exist.')
  const { TimeToLiveStatus: status = 'DISABLED', AttributeName: attribute } =
    answer.TimeToLiveDescription ?? {}
  return /^ENABL/.test(status) && attribute === 'expiresAt'
    ? ok('Records go 35 days after their last write.')
    : fail(
        `Records are never removed: their time to live is ${status}.`,
        `aws dynamodb update-time-to-live --table-name ${TableName} --time-to-live-specification Enabled=true,AttributeName=expiresAt --region ${context.region}`,
      )
}

async function checkRecovery(context: DoctorContext, signal: AbortSignal): Promise<Finding> {
  const { LedgerTable: TableName = '' } = context.outputs
  const right = `dynamodb:DescribeContinuousBackups on ${TableName}`
  const answer = await callAws(context, right, signal, options =>
    context.clients.dynamodb
      .send(new DescribeContinuousBackupsCommand({ TableName }), options)
      .catch((error: unknown) => {
        if (error instanceof Error && error.name === 'TableNotFoundException') return undefined
        throw error
      }),
  )
  if (!answer) throw new CheckInconclusive('The ledger’s table does not exist.')
  const { PointInTimeRecoveryDescription: recovery } = answer.ContinuousBackupsDescription ?? {}
  return recovery?.PointInTimeRecoveryStatus === 'ENABLED'
    ? ok('The table can be restored to any moment that AWS keeps.')
    : warn(
        'The table can’t be restored: point-in-time recovery is off.',
        `aws dynamodb update-continuous-backups --table-name ${TableName} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true --region ${context.region}`,
      )
}
