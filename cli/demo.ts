import { EXAMPLES } from '../infra/build/bundle.ts'
import type { LogLine } from '../lib/log/log.ts'
import { type Stack, startStack } from '../local/stack.ts'
import { CommandError } from './terminal/command-error.ts'

const AUTOMATION = 'remove-shared-link-after-download'
/** How long to wait for a condition, in milliseconds. */
const PATIENCE_MS = 20_000

/** Runs a delivery, its repetition and a forgery through the local stack. @throws CommandError where a check fails */
export async function demo(): Promise<void> {
  console.log('Packaging the stage local …')
  const { AWS_ENDPOINT_URL: awsEndpoint } = process.env
  const stack = await startStack({
    port: 0,
    project: EXAMPLES,
    awsEndpoint: awsEndpoint || undefined,
    onLine: line => console.log(line),
  })
  try {
    await runScenes(stack)
    console.log('\nAll checks passed.')
  } finally {
    await stack.stop()
  }
}

async function runScenes(stack: Stack): Promise<void> {
  const { content, sent, deliveries } = stack.box
  const file = content.uploadFile({ parentId: '100001', name: 'offer.pdf', content: '%PDF-1.4 an offer' })
  const link = content.updateFile(file.id, { sharedLink: { access: 'open' } }).sharedLink
  console.log(`\n1. offer.pdf has a shared link: ${link?.url}`)

  console.log('2. A user downloads it.')
  let removals = 0
  stack.box.on(notice => {
    if (
      notice.kind === 'call' &&
      notice.call.method === 'PUT' &&
      notice.call.path === `/2.0/files/${file.id}`
    )
      removals += 1
  })
  const downloadedAt = Date.now()
  content.downloadFile(file.id)
  const event = sent.findLast(({ trigger }) => trigger === 'FILE.DOWNLOADED')
  if (!event) throw new CommandError('Box sent no event for the download: no webhook is on the folder.')
  const { eventId } = event
  await waitUntil('the automation has run', () => stack.journal.event(eventId)?.status === 'done')
  check(content.file(file.id).sharedLink === undefined, 'the shared link is gone')
  for (const line of timeline(stack, eventId, downloadedAt)) console.log(`     ${line}`)
  console.log('   The shared link is gone.')

  console.log('3. Box delivers the same event again, under a new delivery id.')
  const again = await deliveries.send(event, { retry: false })
  check(again.status === 202, 'the repeated delivery is accepted')
  await waitUntil('the repetition is recognised', () => linesOf(stack, eventId, 'event_duplicate').length > 0)
  check(removals === 1, 'Box was asked to remove the link exactly once')
  console.log(
    `   ${again.deliveryId}: accepted and recognised; nothing is done twice (${removals} call to Box in all).`,
  )

  console.log('4. An attacker forges a delivery.')
  const forged = await deliveries.send(event, { retry: false, keys: { primary: 'forged' } })
  check(forged.status === 401, 'the forged delivery is rejected')
  console.log(`   Rejected with ${forged.status}: ${forged.answer}`)
}

const linesOf = ({ journal }: Stack, eventId: string, name: string): LogLine[] =>
  journal.event(eventId)?.lines.filter(({ event }) => event === name) ?? []

function timeline(stack: Stack, eventId: string, from: number): string[] {
  const entry = stack.journal.event(eventId)
  const delivery = entry?.deliveries[0]
  const names: Readonly<Record<string, string>> = {
    delivery_accepted: 'verified and queued',
    run_started: `${AUTOMATION} starts`,
    run_done: `${AUTOMATION} is done`,
    event_finished: 'recorded in the ledger',
  }
  const steps = (entry?.lines ?? []).flatMap(line => {
    const call =
      line.event === 'box_call' ? `Box is called: ${line.method} ${line.path} → ${line.status}` : undefined
    const text = call ?? names[line.event]
    return text ? [{ at: Date.parse(line.time), text }] : []
  })
  const all = [...(delivery ? [{ at: delivery.at, text: 'signed and posted by Box' }] : []), ...steps]
  return all.sort((a, b) => a.at - b.at).map(({ at, text }) => `${String(at - from).padStart(5)} ms  ${text}`)
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new CommandError(`Check failed: ${what}.`)
}

async function waitUntil(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!holds()) {
    if (Date.now() > deadline)
      throw new CommandError(`Timed out after ${PATIENCE_MS / 1000} s waiting until ${what}.`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
