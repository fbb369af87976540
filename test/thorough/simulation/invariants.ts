/** What must hold in every simulated run, whatever befalls it. */
export const INVARIANTS = {
  nothing_forged:
    'Nothing is accepted that Box has not signed, with a key that is in use, in the last ten minutes (the default of `deliveryAgeMaxMinutes`).',
  box_is_let_in: 'No delivery that Box has signed and sent in time is refused, also while keys are changed.',
  bad_input_is_refused:
    'What is forged is refused as the sender’s fault, never answered as a failure of ours, while the keys can be read.',
  bytes_are_kept: 'What is queued are the very bytes that Box has sent.',
  nothing_lost:
    'Every event that was accepted ends done, or on the dead-letter queue; SQS never has to drop one.',
  right_runs:
    'Exactly the automations run that subscribe to the event’s trigger and target and do not filter it.',
  done_means_done: 'A run that is recorded as done has had all its effects.',
  done_is_whole:
    'No run is recorded as done after its signal was aborted, after a call or a step of it was refused, after it left a rejection unhandled, or while something that it began is under way.',
  lease_outlasts_work: 'No lease is given back while a step or a call that began under it is under way.',
  once: 'No effect happens twice, unless the attempt before it was cut off or failed before the ledger could know.',
  steps_once: 'A step whose result is kept is never done again.',
  steps_one_at_a_time: 'A step is under way at most once at a time.',
  siblings_rest:
    'A run that is recorded as done is never started again, whatever becomes of the others; only a forced replay starts it, once.',
  one_at_a_time: 'No two attempts of one run are under way at the same time.',
  fenced_effects: 'No effect happens under a lease that has passed on.',
  fenced_writes:
    'No outcome is written by a worker whose lease has passed on, and no lease is taken before it ends.',
  waits_are_kept: 'No run is tried again before the time that Box, or it itself, has asked for.',
  waits_are_free:
    'Throttling and postponing alone never dead-letter: whatever is given up has failed as often as its policy allows.',
  attempts_are_bounded: 'No run is tried more often than its policy allows, also where it kills its process.',
  lost_workers_were_alone:
    'A run that is given up because its worker was lost more than once was under way alone when that happened for the last time.',
  rejections_fail_alone: 'A rejection that an automation leaves unhandled ends no process.',
  filter_faults_are_seen:
    'A filter that answers anything but true, false or a skip is a failure; it neither skips nor runs.',
  time_fits: 'No run begins with less time left than its automation asks for.',
  ends_in_time: 'No function is stopped at its time-out that is not blocked by an automation’s code.',
  record_fits: 'No write is refused because an event’s record is too large.',
  one_dead_letter: 'No failure is dead-lettered twice, unless a worker was lost in between.',
  redrive_helps: 'Once the cause is mended, a redrive lets everything that was given up be done.',
  backfill_finds_all:
    'After a backfill every event of its span that no webhook brought is on the queue, whatever its ends are.',
  backfill_repeats_nothing: 'A backfill queues nothing that a webhook, or a backfill before it, brought.',
  comes_to_rest:
    'When nothing more happens in Box, everything ends: no message, no timer, no function is left.',
  keeps_secrets: 'No key, token, signature, file name or body is in any log line.',
} as const

export type Invariant = keyof typeof INVARIANTS

export type Violation = {
  readonly invariant: Invariant
  readonly detail: string
  /** Milliseconds of virtual time since the start. */
  readonly at: number
}
