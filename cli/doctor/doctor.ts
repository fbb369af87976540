import { type Place, type PlaceOptions, placeOf, placeText } from '../place/place.ts'
import { interruptible } from '../terminal/interrupt.ts'
import { type Check, findingOf } from './check.ts'
import { CHECKS } from './checks.ts'
import { countsOf, type Examined, examinedText, summaryText } from './doctor-text.ts'
import type { Status } from './finding.ts'
import { openScene, type Scene } from './scene.ts'

/** The place can't be looked over at all; the message says why, and what to do. */
export class DoctorImpossible extends Error {
  override readonly name = 'DoctorImpossible'
}

export type DoctorOptions = PlaceOptions & {
  /** Prints JSON, for programs. */
  readonly json?: boolean
}

/** Exit codes: 0 where nothing fails, and all could be judged. */
const FAILED = 1
const UNJUDGED = 2

/** How long a place may take to be found, in milliseconds. */
const FIND_MS_MAX = 20_000

/**
 * Looks a place over from end to end, changing nothing, and says of each part whether it is well, with what to do where it
 * is not. The exit code is 1 where anything fails, 2 where nothing does and something could not be judged.
 * @throws DoctorImpossible where there is no such place, or it can't be asked
 */
export async function doctor(options: DoctorOptions): Promise<void> {
  await interruptible('Stopping; what is known by now is told.', async stopped => {
    const scene = await findScene(options, stopped)
    // Stopped before anything was asked.
    if (!scene) return
    try {
      if (!options.json) console.log(headingOf(scene))
      let group = ''
      const examined = await examineAll(scene, stopped, one => {
        if (options.json) return
        if (one.group !== group) console.log(`\n${one.group}`)
        group = one.group
        console.log(examinedText(one))
      })
      conclude(examined, scene, { stopped: stopped.aborted, json: options.json === true })
    } finally {
      scene.close()
    }
  })
}

async function findScene(options: DoctorOptions, stopped: AbortSignal): Promise<Scene | undefined> {
  const found = AbortSignal.any([stopped, AbortSignal.timeout(FIND_MS_MAX)])
  try {
    return await openScene(placeOf(options), found, stopped)
  } catch (error) {
    if (stopped.aborted) return undefined
    if (found.aborted)
      throw new DoctorImpossible(
        `AWS did not say within ${FIND_MS_MAX / 1000} s what the stage consists of. See that this machine reaches the internet.`,
      )
    if (error instanceof Error && (error.name === 'AwsUnreachable' || error.name === 'PlaceUnclear'))
      throw new DoctorImpossible(error.message, { cause: error })
    throw error
  }
}

/** Makes all checks at once, and tells each as soon as those before it are told. */
async function examineAll(
  scene: Scene,
  stopped: AbortSignal,
  tell: (examined: Examined) => void,
): Promise<Examined[]> {
  const running = CHECKS.map(check => examine(check, scene, stopped))
  const examined: Examined[] = []
  for (const one of running) {
    const done = await one
    if (!done) continue
    examined.push(done)
    tell(done)
  }
  return examined
}

/** @returns undefined where it was stopped before it had an answer */
async function examine(check: Check, scene: Scene, stopped: AbortSignal): Promise<Examined | undefined> {
  const begun = performance.now()
  const finding = await findingOf(check, scene, stopped)
  if (!finding) return undefined
  return { group: check.group, check: check.name, ...finding, ms: Math.round(performance.now() - begun) }
}

const headingOf = ({ place, address }: Scene): string =>
  `${capital(whereText(place))}${address === undefined ? '' : `, ${address}`}`

const whereText = (place: Place): string =>
  'stage' in place ? `${placeText(place)} in ${place.region}` : placeText(place)

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

function conclude(
  examined: readonly Examined[],
  { place }: Scene,
  { stopped, json }: { readonly stopped: boolean; readonly json: boolean },
): void {
  const counts = countsOf(examined)
  const unanswered = CHECKS.length - examined.length
  if (json) {
    const told = { place, at: new Date().toISOString(), status: worstOf(examined), counts, unanswered }
    console.log(JSON.stringify({ ...told, checks: examined }, null, 2))
  } else {
    console.log(`\n${summaryText(counts)}`)
    if (stopped) console.log(`It was stopped; ${unanswered} of ${CHECKS.length} checks had no answer yet.`)
  }
  // Who has stopped it has its own code.
  if (stopped) return
  if (counts.fail > 0) process.exitCode = FAILED
  else if (counts.unknown > 0) process.exitCode = UNJUDGED
}

const WORST_FIRST: readonly Status[] = ['fail', 'unknown', 'warn', 'ok']

const worstOf = (examined: readonly Examined[]): Status =>
  WORST_FIRST.find(status => examined.some(one => one.status === status)) ?? 'unknown'
