import { beforeAll, describe, expect, test } from 'vitest'
import { FRESH_RUN } from '../../lib/ledger/record.ts'
import { decodeMessage } from '../../lib/queue/message.ts'
import { runCommand } from '../support/command.ts'
import { startDenying } from '../support/deployed.ts'
import { CANARY, canaryEvent, type RecordedEvent, recordEvent } from '../support/recorded.ts'
import { automationCode, type ScratchProject, scratchProject } from '../support/scratch-project.ts'
import { useStage } from '../support/stage.ts'

const at = useStage()
const done = { ...FRESH_RUN, status: 'done', attempts: 1 } as const
const failed = {
  ...FRESH_RUN,
  status: 'failed',
  attempts: 3,
  error: { code: 'box_forbidden', message: 'Box says no.' },
} as const
const skipped = { ...FRESH_RUN, status: 'skipped', reason: 'why not' } as const

/** Puts an event into the ledger of the deployed stage. */
const record = (event: RecordedEvent) => recordEvent(at.stage.ledger, event)

const prod = (...args: string[]) => runCommand(['replay', ...args, '--stage', 'prod'], { env: at.stage.env })
const queued = async () =>
  (await at.aws.messages(at.stage.queueUrl)).ready.map(({ body, messageAttributes }) => {
    const texts = Object.entries(messageAttributes).map(([name, { StringValue }]) => [name, StringValue])
    return decodeMessage({ body, attributes: Object.fromEntries(texts) }).message
  })

describe('boxhooks replay', { timeout: 60_000 }, () => {
  test('puts the stored event on the queue, and says what runs again and what does not', async () => {
    await record({ id: 'plain', runs: { a: done, b: failed, c: skipped } })
    const { code, out, err } = await prod('plain')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.split('\n')).toEqual([
      'FILE.DOWNLOADED plain in stage prod',
      '  runs again  b (failed), c (skipped)',
      '  unchanged   a (done)',
      'Finished runs run again only with --force.',
      'Automations deployed since then start too, if the event concerns them.',
      'The event is on the queue.',
      '',
    ])
    const replay = {
      runs: [
        { name: 'b', redrives: 0 },
        { name: 'c', redrives: 0 },
      ],
      redrives: 0,
    }
    expect(await queued()).toMatchObject([{ eventId: 'plain', deliveryId: 'd1', replay }])
  })

  test('for one automation, as JSON, names that alone', async () => {
    await record({ id: 'one', runs: { a: failed, b: failed } })
    const { code, out } = await prod('one', '--automation', 'b', '--json')
    expect({ code, told: JSON.parse(out) }).toEqual({
      code: 0,
      told: {
        sent: true,
        eventId: 'one',
        trigger: 'FILE.DOWNLOADED',
        takenBack: [{ name: 'b', status: 'failed' }],
        left: [{ name: 'a', status: 'failed' }],
      },
    })
    expect(await queued()).toMatchObject([{ replay: { only: ['b'] } }])
    expect((await prod('one', '--automation', 'new')).out).toContain('new has no run for this event yet')
  })

  test('with --force shows what it would repeat, and does nothing where nobody says yes', async () => {
    await record({ id: 'forced', runs: { a: done } })
    const asked = await prod('forced', '--force')
    expect(asked).toMatchObject({ code: 1, out: '', err: expect.stringContaining('runs again  a (done)') })
    expect(asked.err).toContain('add --yes')
    expect(await prod('forced', '--force', '--dry-run')).toMatchObject({
      code: 0,
      out: expect.stringContaining('runs again  a (done)'),
    })
    expect(await queued()).toEqual([])
    expect(await prod('forced', '--force', '--yes')).toMatchObject({ code: 0 })
    expect(await queued()).toMatchObject([{ replay: { runs: [{ name: 'a', redrives: 0 }] } }])
  })

  test('of what can’t be replayed says why', async () => {
    await record({ id: 'too-large', runs: { a: failed }, withoutPayload: true })
    for (const [id, told, exitCode] of [
      ['nowhere', 'The ledger has no record of event nowhere.', 1],
      ['too-large', 'but not its payload', 1],
      ['a b', 'without a space', 2],
    ] as const) {
      const { code, out, err } = await prod(id)
      expect({ code, out }).toEqual({ code: exitCode, out: '' })
      expect(err).toContain(told)
      expect(err).not.toContain('    at ')
    }
  })

  test('at the wrong stage, or without the right, says what to do', async () => {
    await record({ id: 'refused', runs: { a: failed } })
    const denying = await startDenying()
    const cases: readonly [place: string[], told: string, env?: Record<string, string>][] = [
      [['--stage', 'nowhere'], 'There is no stack boxhooks-nowhere'],
      [['--stage', 'old'], 'has no output QueueUrl'],
      [['--stage', 'denied'], 'the right cloudformation:DescribeStacks'],
      [['--stage', 'prod'], 'the right dynamodb:GetItem', { AWS_ENDPOINT_URL_DYNAMODB: denying.url }],
      [['--stage', 'prod'], 'the right sqs:SendMessage', { AWS_ENDPOINT_URL_SQS: denying.url }],
      [['--local', '--port', '9'], 'No local stack answers on port 9'],
      [['--stage', 'prod', '--to-local', '--port', '9'], 'No local stack answers on port 9'],
    ]
    const wrong: typeof cases = [
      [['--stage', 'prod', '--watch', 'folder:1'], '--watch is for --to-local'],
      [['--stage', 'prod', '--to-local', '--as-test'], 'cannot be used with'],
      [[], '--stage NAME'],
    ]
    for (const [place, told, env] of [...cases, ...wrong]) {
      const { code, out, err } = await runCommand(['replay', 'refused', ...place], {
        env: { ...at.stage.env, ...env },
      })
      const exitCode = wrong.some(([one]) => one === place) ? 2 : 1
      expect({ code, out }).toEqual({ code: exitCode, out: '' })
      expect(err).toContain(told)
    }
    await denying.close()
  })
})

describe('boxhooks replay --as-test', { timeout: 60_000 }, () => {
  let project: ScratchProject
  beforeAll(async () => {
    project = await scratchProject()
    for (const [name, on] of [
      ['archive', 'FILE.UPLOADED'],
      ['unshare', 'FILE.DOWNLOADED'],
      ['guard', 'COLLABORATION.CREATED'],
    ] as const)
      await project.write(
        `automations/${name}.ts`,
        automationCode(name, `on: '${on}', watch: { folder: '\${FOLDER_ID}' }`),
      )
    return () => project.remove()
  })
  const asTest = (...args: string[]) =>
    runCommand(['replay', ...args, '--as-test', '--stage', 'prod'], {
      env: at.stage.env,
      project: project.folder,
    })
  const written = (out: string): { fixture: string; test: string } => JSON.parse(out)

  test.each([
    ['archive', 'FILE.UPLOADED', done, 'is done with'],
    ['unshare', 'FILE.DOWNLOADED', failed, 'is done with'],
    ['guard', 'COLLABORATION.CREATED', skipped, 'leaves alone'],
  ])('writes an event of %s as a fixture and a test without names', async (name, trigger, run, what) => {
    const event = canaryEvent(`canary-event-${name}`, trigger)
    await record({ ...event, runs: { [name]: run } })
    const { code, out, err } = await asTest(event.id, '--json')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const { fixture, test } = written(out)
    const [event_, code_] = [await project.text(fixture), await project.text(test)]
    expect(`${event_}${code_}`).not.toMatch(CANARY)
    expect(JSON.parse(event_)).toMatchObject({ type: 'webhook_event', trigger })
    expect(code_).toContain(`../../automations/${name}.ts`)
    expect(code_).toContain(`${what} a recorded event`)
  })

  test('says what comes next, and never writes over a file', async () => {
    await record({ id: 'again', runs: { unshare: done } })
    const first = await asTest('again')
    expect(first).toMatchObject({
      code: 0,
      out: expect.stringContaining('Read the fixture before you commit it'),
    })
    expect(await asTest('again')).toMatchObject({
      code: 1,
      err: expect.stringContaining('Nothing was written'),
    })
  })

  test('wants to know which automation, where that is not plain', async () => {
    await record({ id: 'several', runs: { a: done, b: done } })
    await record({ id: 'none' })
    for (const [args, told] of [
      [['several'], 'Several automations ran at this event. Use --automation to name the one to test: a, b.'],
      [['none'], 'No automation ran at this event.'],
      [
        ['several', '--automation', 'a'],
        'No file in automations/ declares a. There are archive, guard, unshare.',
      ],
    ] as const)
      expect(await asTest(...args)).toMatchObject({ code: 1, out: '', err: expect.stringContaining(told) })
  })
})
