import type { Rates, Times } from './plan.ts'

/** A deliberate bug: what it breaks, and the one place in lib/ where it is put. */
export type Mutant = {
  readonly name: string
  readonly file: string
  /** Occurs exactly once in the file, white space included. */
  readonly find: string
  readonly replace: string
  /** How many seeds the simulation may need to find it. */
  readonly seedsMax: number
  /** What is turned up in each seed's plan, where the bug needs a rare meeting of faults. */
  readonly turnedUp?: Partial<Rates>
  readonly times?: Partial<Times>
}

/** Bugs that such a system has had, or could have. Each must break an invariant. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'every request counts as signed',
    file: 'signature.ts',
    find: "if (!match) return { ok: false, rule: 'signature_mismatch' }",
    replace:
      "if (!match) return { ok: true, key: 'primary', header: 'primary', signedWith: { primary: 'unknown', secondary: 'unknown' }, ageSeconds: 0 }",
    seedsMax: 20,
  },
  {
    name: 'the age of a delivery is not looked at',
    file: 'signature.ts',
    find: 'if (ageSeconds > (input.ageMaxSeconds ?? AGE_MAX_SECONDS))',
    replace: 'if (ageSeconds > 1e9)',
    seedsMax: 40,
  },
  {
    name: 'only the primary key is tried',
    file: 'signature.ts',
    find: "laidOut(EXPECTED_SECONDARY, signed('secondary'))",
    replace: 'false',
    seedsMax: 60,
  },
  {
    name: 'the body is parsed and serialised again before it is verified',
    file: 'ingest.ts',
    find: '    verifyRead({\n      body,',
    replace:
      '    verifyRead({\n      body: Buffer.from(JSON.stringify(JSON.parse(Buffer.from(body).toString()))),',
    seedsMax: 5,
  },
  {
    name: 'withdrawn keys are remembered for ever',
    file: 'signature-keys.ts',
    find: 'if (known && now() - known.at < freshMs) return known.keys',
    replace: 'if (known) return known.keys',
    seedsMax: 40,
    turnedUp: { forgeries: 1, lostRequests: 0, lostResponses: 0, serviceErrors: 0 },
    times: { keyRotations: 3, outages: 0 },
  },
  {
    name: 'a delivery is accepted although the queue did not take it',
    file: 'ingest.ts',
    find: 'return failed(log, ANSWERS.queue_unavailable, error)',
    replace: 'return ANSWERS.accepted',
    seedsMax: 30,
  },
  {
    name: 'the body is in the log',
    file: 'ingest.ts',
    find: "told.info('delivery_accepted', { eventId, trigger, ...checked.keyFields }, { DeliveriesAccepted: 1 })",
    replace:
      "told.info('delivery_accepted', { eventId, trigger, body: Buffer.from(delivery.body).toString() })",
    seedsMax: 5,
  },
  {
    name: 'events are told apart by delivery id',
    file: 'ingest.ts',
    find: '      ...described,\n      deliveryId,',
    replace: '      ...described,\n      eventId: deliveryId,\n      deliveryId,',
    seedsMax: 20,
  },
  {
    name: 'a body that is no text travels as text',
    file: 'message.ts',
    find: 'const text = message.unread ? Buffer.from(message.body).toString() : carriableText(message.body)',
    replace: "const text = Buffer.from(message.body).toString().replaceAll('\\u0000', ' ')",
    seedsMax: 60,
  },
  {
    name: 'an event that can’t be read is dropped',
    file: 'dispatch.ts',
    find: 'if (!parsed.ok) return deadLetterEvent(parts, input, log, parsed.reason)',
    replace: 'if (!parsed.ok) return FINISHED',
    seedsMax: 20,
  },
  {
    name: 'an event that somebody else works on is dropped as a duplicate',
    file: 'dispatch.ts',
    find: "    log.info('event_waiting', { reason: held.plan.reason, delaySeconds })\n    return later(delaySeconds)",
    replace: "    log.info('event_waiting', { reason: held.plan.reason, delaySeconds })\n    return FINISHED",
    seedsMax: 20,
  },
  {
    name: 'a dead letter ahead of its record is dropped',
    file: 'dispatch.ts',
    find: 'redriven >= record.redrives',
    replace: 'redriven === record.redrives',
    seedsMax: 100,
    turnedUp: { unreadable: 0.8, hastyRedrives: 0.9 },
  },
  {
    name: 'every automation with the trigger runs, whatever it watches',
    file: 'target.ts',
    find: 'return subscribed.filter(({ watch }) => watch.some(one => includes(targets, one)))',
    replace: 'return subscribed',
    seedsMax: 60,
  },
  {
    name: 'messages that failed are deleted',
    file: 'batch.ts',
    find: 'if (await mustKeep(entry, time, parts)) kept.push(entry.record.messageId)',
    replace: 'await mustKeep(entry, time, parts)',
    seedsMax: 20,
  },
  {
    name: 'a message is not sent anew before SQS drops it',
    file: 'batch.ts',
    find: 'ageMs: 10 * 86_400_000',
    replace: 'ageMs: 1000 * 86_400_000',
    seedsMax: 100,
    turnedUp: { postponements: 1 },
  },
  {
    name: 'the lease is not looked at',
    file: 'claim.ts',
    find: 'if (record && record.leaseUntil > 0 && now < record.leaseUntil + LEASE_MARGIN_MS)',
    replace: 'if (record && now < 0)',
    seedsMax: 40,
  },
  {
    name: 'clocks are trusted to agree',
    file: 'claim.ts',
    find: 'export const LEASE_MARGIN_MS = 5000',
    replace: 'export const LEASE_MARGIN_MS = 0',
    seedsMax: 100,
    turnedUp: { skew: 1, freezes: 0.3, hangs: 0.1 },
  },
  {
    name: 'runs that are done run again with those that are not',
    file: 'claim.ts',
    find: 'if (isSettled(run) || (run.nextAt ?? 0) > now) continue',
    replace: "if (run.status === 'failed' || (run.nextAt ?? 0) > now) continue",
    seedsMax: 40,
  },
  {
    name: 'a run is tried again before its time',
    file: 'claim.ts',
    find: 'if (isSettled(run) || (run.nextAt ?? 0) > now) continue',
    replace: 'if (isSettled(run)) continue',
    seedsMax: 100,
  },
  {
    name: 'attempts are not counted by the claim',
    file: 'claim.ts',
    find: 'change(name, { ...kept, attempts: run.attempts + 1, startedAt: now })',
    replace: 'change(name, { ...kept, startedAt: now })',
    seedsMax: 60,
  },
  {
    name: 'a redrive takes a run back as often as its dead letter comes',
    file: 'claim.ts',
    find: "if (run?.status === 'failed' && run.redrives === redrives)",
    replace: "if (run?.status === 'failed')",
    seedsMax: 40,
  },
  {
    name: 'a redrive takes back every run of the event',
    file: 'claim.ts',
    find: "  for (const { name, redrives } of failure.automations) {\n    const run = record.runs[name]\n    if (run?.status === 'failed' && run.redrives === redrives)",
    replace:
      '  for (const [name, run] of Object.entries(record.runs)) {\n    const { redrives } = run\n    if (run)',
    seedsMax: 60,
  },
  {
    name: 'an outcome is written without the lease',
    file: 'ledger.ts',
    find: "new Expression().when('leaseToken', token).set(",
    replace: 'new Expression().set(',
    seedsMax: 40,
  },
  {
    name: 'an event is claimed whatever has become of it since it was read',
    file: 'ledger.ts',
    find: "        .when('version', seen.version)\n",
    replace: '',
    seedsMax: 40,
  },
  {
    name: 'a fresh event is claimed over whoever was first',
    file: 'ledger.ts',
    find: "            ConditionExpression: 'attribute_not_exists(eventId)',\n",
    replace: '',
    seedsMax: 40,
  },
  {
    name: 'a claim whose answer got lost is not recognised',
    file: 'ledger.ts',
    find: 'return { claimed: record.leaseToken === lease.token, record }',
    replace: 'return { claimed: false, record }',
    seedsMax: 100,
    turnedUp: { lostResponses: 0.2 },
  },
  {
    name: 'records expire while messages can still come back',
    file: 'ledger.ts',
    find: 'keepDays = 35',
    replace: 'keepDays = 1',
    seedsMax: 40,
  },
  {
    name: 'throttling counts as an attempt',
    file: 'retry.ts',
    find: 'counts: false }',
    replace: 'counts: true }',
    seedsMax: 40,
  },
  {
    name: 'the wait that Box asks for is not kept to',
    file: 'retry.ts',
    find: 'const asked = askedSeconds(failure) ?? backoffSeconds(policy, throttles + 1, random)',
    replace: 'const asked = backoffSeconds(policy, throttles + 1, random)',
    seedsMax: 40,
  },
  {
    name: 'whatever fails fails for good',
    file: 'retry.ts',
    find: "if (failure.class === 'permanent') return { kind: 'give-up' }",
    replace: "if (failure.class !== 'throttled') return { kind: 'give-up' }",
    seedsMax: 40,
  },
  {
    name: 'a run is marked as failed without a dead letter',
    file: 'claimed-event.ts',
    find: 'await deadLetters.send({ ...withoutReplay(message), failure })',
    replace: 'await Promise.resolve({ deadLetters, message })',
    seedsMax: 40,
  },
  {
    name: 'while the dead-letter queue is down, the run is marked as failed all the same',
    file: 'claimed-event.ts',
    find: "this.#record(name, { ...run, status: 'pending', givenUp: true, nextAt: Math.ceil(nextAt) })",
    replace: "this.#record(name, { ...run, status: 'failed', nextAt: Math.ceil(nextAt) })",
    seedsMax: 150,
    turnedUp: { serviceErrors: 0.4, permanentErrors: 0.3 },
  },
  {
    name: 'the lease is given back while code is still at work',
    file: 'run.ts',
    find: 'unfinished: !settled',
    replace: 'unfinished: false',
    seedsMax: 100,
  },
  {
    name: 'the result of a step is not kept',
    file: 'run.ts',
    find: '      await input.keepStep(step, json)\n',
    replace: '',
    seedsMax: 100,
  },
  {
    name: 'a worker that wakes up late goes on with its effects',
    file: 'run.ts',
    find: '      if (!stop.signal.aborted && clock.now() >= begunAt + limitMs) stop.abort(timedOut())\n',
    replace: '',
    seedsMax: 100,
    turnedUp: { freezes: 0.5, zombies: 1 },
  },
  {
    name: 'a worker that wakes up late begins its runs',
    file: 'run.ts',
    find: 'if (limitMs === 0) return',
    replace: 'if (limitMs < 0) return',
    seedsMax: 100,
    turnedUp: { freezes: 0.5, zombies: 1 },
  },
  {
    name: 'the end of a signature is not compared',
    file: 'signature.ts',
    find: 'timingSafeEqual(EXPECTED_PRIMARY, GIVEN_PRIMARY)',
    replace: 'timingSafeEqual(EXPECTED_PRIMARY.subarray(0, 42), GIVEN_PRIMARY.subarray(0, 42))',
    seedsMax: 40,
  },
  {
    name: 'a redriven dead letter is taken for a duplicate',
    file: 'claim.ts',
    find: 'if (!record || !failure) return undefined',
    replace: 'if (record || !failure) return undefined',
    seedsMax: 40,
  },
  {
    name: 'a duplicate is never done with',
    file: 'dispatch.ts',
    find: "    log.info('event_duplicate', { trigger: event.triggerName }, { EventsDeduplicated: 1 })\n    return FINISHED",
    replace:
      "    log.info('event_duplicate', { trigger: event.triggerName }, { EventsDeduplicated: 1 })\n    return later(60)",
    seedsMax: 40,
  },
  {
    name: 'a run counts as done before it is over',
    file: 'run.ts',
    find: '  await input.bound.automation.run(contextOf(input, time, steps))',
    replace:
      '  void Promise.resolve(input.bound.automation.run(contextOf(input, time, steps))).catch(() => {})',
    seedsMax: 40,
  },
  {
    name: 'a run that is done is not recorded as such',
    file: 'claimed-event.ts',
    find: "{ ...run, steps, status: 'done', finishedAt: now }",
    replace: '{ ...run, steps, finishedAt: now }',
    seedsMax: 40,
  },
  {
    name: 'a redrive gives a run no new attempts',
    file: 'claim.ts',
    find: 'runs[name] = { ...FRESH_RUN, steps: run.steps, redrives: redrives + 1 }',
    replace: "runs[name] = { ...run, status: 'pending', redrives: redrives + 1 }",
    seedsMax: 40,
  },
  {
    name: 'a replay takes a run back as often as its message comes',
    file: 'claim.ts',
    find: 'if (run && isSettled(run) && run.redrives === redrives)',
    replace: 'if (run && isSettled(run))',
    seedsMax: 60,
  },
  {
    name: 'a replay without force takes back what is done',
    file: 'replay.ts',
    find: "isSettled(run) && (force || run.status !== 'done')",
    replace: 'isSettled(run)',
    seedsMax: 40,
  },
  {
    name: 'a replay names runs that are still under way',
    file: 'replay.ts',
    find: 'isSettled(run) && (',
    replace: '(',
    seedsMax: 100,
    times: { eventReplays: 10 },
  },
  {
    name: 'a forced replay takes steps that were done for done',
    file: 'claim.ts',
    find: "steps: run.status === 'done' ? {} : run.steps",
    replace: 'steps: run.steps',
    seedsMax: 60,
  },
]
