import { AGE_MAX_SECONDS, SKEW_MAX_SECONDS } from '../../lib/ingest/signature.ts'
import type { Check } from './check.ts'
import type { Scene } from './context.ts'
import { deployedFunction } from './deployed-function.ts'
import { DoorClosed } from './door.ts'
import { type Finding, fail, ok, spanText, unknown, warn } from './finding.ts'

/** The clocks of Box, AWS and this machine. */
export const CLOCK_CHECKS: readonly Check[] = [
  {
    group: 'Clock',
    name: 'box-clock',
    rights: ['lambda:InvokeFunction', 'lambda:GetFunctionConfiguration'],
    async run(scene, signal) {
      const { at, boxAt } = (await scene.boxCheck()).clock
      return boxAt === undefined
        ? unknown('Box has not told its time.')
        : boxClockFinding((at - boxAt) / 1000, await ageMaxSeconds(scene, signal))
    },
  },
  {
    group: 'Clock',
    name: 'own-clock',
    rights: [],
    outputs: ['WebhookUrl'],
    async run(scene) {
      try {
        const { at, date } = await scene.unsigned()
        return date === undefined
          ? unknown('The front door does not tell its time.')
          : ownClockFinding((at - date) / 1000)
      } catch (error) {
        if (error instanceof DoorClosed) return unknown(error.message)
        throw error
      }
    },
  },
]

/** How old a delivery may be that the stage accepts, in seconds. */
async function ageMaxSeconds(scene: Scene, signal: AbortSignal): Promise<number> {
  if (!('stage' in scene.place)) return AGE_MAX_SECONDS
  const { env } = await deployedFunction(scene, 'ingest', signal)
  return Number(env.SIGNATURE_AGE_MAX_SECONDS) || AGE_MAX_SECONDS
}

/** What the header Date, which has whole seconds, and the way of an answer leave uncertain. */
const SLACK_SECONDS = 5

/**
 * Judges the clock of the functions by what a delivery's age must be.
 * @param seconds how far it is ahead of Box's; negative where it is behind
 */
function boxClockFinding(seconds: number, ageMax: number): Finding {
  const found = `The functions’ clock is ${apart(seconds)} Box’s`
  if (seconds < -SKEW_MAX_SECONDS || seconds > ageMax)
    return fail(
      `${found}: genuine deliveries are refused for their time.`,
      'See https://status.box.com and https://health.aws.amazon.com: one of the two clocks is wrong.',
    )
  return Math.abs(seconds) > SKEW_MAX_SECONDS / 2
    ? warn(
        `${found}; deliveries pass from ${SKEW_MAX_SECONDS} s ahead to ${ageMax} s old.`,
        'Look again in some minutes; where it grows, see https://status.box.com.',
      )
    : ok(`${found}; deliveries pass from ${SKEW_MAX_SECONDS} s ahead to ${ageMax} s old.`)
}

/** @param seconds how far this machine's clock is ahead of AWS's; negative where it is behind */
function ownClockFinding(seconds: number): Finding {
  const found = `This machine’s clock is ${apart(seconds)} AWS’s.`
  return Math.abs(seconds) > SKEW_MAX_SECONDS / 2
    ? warn(
        `${found} Times that commands tell are off; AWS refuses whoever is five minutes off.`,
        'Let this machine set its clock by the network: on Linux, timedatectl set-ntp true',
      )
    : ok(found)
}

function apart(seconds: number): string {
  if (Math.abs(seconds) <= SLACK_SECONDS) return `within ${SLACK_SECONDS} s of`
  return `${spanText(Math.abs(seconds))} ${seconds > 0 ? 'ahead of' : 'behind'}`
}
