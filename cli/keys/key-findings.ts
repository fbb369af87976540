import { keyIds, UNKNOWN_KEY } from '../../lib/ingest/key-fields.ts'
import type { KeyName } from '../../lib/ingest/signature.ts'
import { isCrossed, latestWith } from '../../lib/key-rotation.ts'
import { type KeyRotation, type KeySecret, OTHER } from '../../lib/key-secret.ts'
import { type KeyTraffic, together } from '../../lib/key-traffic.ts'
import { type StageRef as Place, formatStageFlags as placeFlags } from '../stage/stage-ref.ts'

/** One thing that was found out about the keys, and what to do about it. */
export type KeyFinding = {
  readonly level: 'ok' | 'warn' | 'fail'
  readonly text: string
  readonly fix?: string
}

/** Says what is noteworthy about the keys by what the traffic says, and what to do; that all is well where nothing is. */
export function keyFindings(secret: KeySecret, traffic: KeyTraffic, place: Place): readonly KeyFinding[] {
  const ids = keyIds(secret.keys)
  const rotate = `npx boxhooks keys rotate ${placeFlags(place)}`
  const set = `npx boxhooks secrets set signature-keys ${placeFlags(place)}`
  if (ids.primary === undefined && ids.secondary === undefined)
    return [
      { level: 'fail', text: 'No signature key is stored, so every delivery is answered 503.', fix: set },
    ]
  const { rotation } = secret
  const findings = [
    ...(rotation ? [underWay(rotation, rotate)] : []),
    ...(['primary', 'secondary'] as const).flatMap(name =>
      ids[name] === undefined ? [absent(name, `${rotate} --only ${name}`)] : [],
    ),
    ...refusals(traffic, rotation || !('stage' in place) ? rotate : set),
    ...signatures(secret, traffic, rotate),
  ]
  if (findings.some(({ level }) => level !== 'ok')) return findings
  return [{ level: 'ok', text: 'Box signs with both keys that are stored.' }]
}

const underWay = ({ startedAt, by, todo: [slot], phase }: KeyRotation, rotate: string): KeyFinding => ({
  level: 'warn',
  text: `A rotation is under way, begun ${startedAt} by ${by}: ${phase === 'reset' ? `the ${slot} key is to be reset and stored` : `the new ${slot} key is stored and being watched`}.`,
  fix: `${rotate} goes on with it`,
})

const absent = (name: KeyName, fix: string): KeyFinding => ({
  level: 'warn',
  text: `No ${name} key is stored, so the other can't be changed without refused deliveries.`,
  fix,
})

function refusals({ accepted, refused, unavailable, untold }: KeyTraffic, fix: string): KeyFinding[] {
  const latest = together([...accepted, untold])
  const findings: KeyFinding[] = []
  if (refused.count > 0 && refused.lastAt > latest.lastAt)
    findings.push({
      level: 'fail',
      text: `The latest deliveries were refused: none of the stored keys fits (${refused.count} in all, the last ${new Date(refused.lastAt).toISOString()}). Either both keys were reset in the Developer Console, or somebody forges. Box delivers again for about two hours.`,
      fix,
    })
  else if (refused.count > 0)
    findings.push({
      level: 'warn',
      text: `${refused.count} deliveries were refused because no key fitted, the last ${new Date(refused.lastAt).toISOString()}, while others were accepted: somebody forges, or a key was stored too late.`,
    })
  if (unavailable.count > 0)
    findings.push({
      level: 'warn',
      text: `ingest could not read the keys ${unavailable.count} times, the last ${new Date(unavailable.lastAt).toISOString()}. While it has none it answers 503, and Box delivers again.`,
    })
  return findings
}

function signatures(secret: KeySecret, traffic: KeyTraffic, rotate: string): KeyFinding[] {
  const latest = latestWith(keyIds(secret.keys), traffic)
  if (!latest) return [unseen(traffic)]
  if (isCrossed(secret, traffic)) return [CROSSED]
  return (['primary', 'secondary'] as const).flatMap((name): KeyFinding[] => {
    if (latest.signed[name] === undefined)
      return [
        {
          level: 'warn',
          text: `Box sends no ${name} signature: no ${name} key is generated in the Developer Console.`,
          fix: `${rotate} --only ${name}`,
        },
      ]
    if (latest.signed[name] !== UNKNOWN_KEY) return []
    const at = new Date(latest.lastAt).toISOString()
    return [
      {
        level: 'warn',
        text: `Box signs with a ${name} key that is not stored here (last seen ${at}). Deliveries stand on the ${OTHER[name]} key alone.`,
        fix: secret.rotation ? `${rotate} stores it` : `${rotate} --only ${name} stores it`,
      },
    ]
  })
}

const CROSSED: KeyFinding = {
  level: 'warn',
  text: 'The keys are stored the other way round than Box has them. Deliveries pass all the same; the next rotation puts them right.',
}

function unseen({ accepted, untold }: KeyTraffic): KeyFinding {
  if (untold.count > 0 && together(accepted).lastAt < untold.lastAt)
    return {
      level: 'warn',
      text: 'Deliveries came in, but the stage runs a version of boxhooks that does not log which key signed them.',
      fix: 'deploy the stage again: npm run deploy',
    }
  return {
    level: 'warn',
    text: 'No delivery with the keys that are stored now has been seen, so nothing shows that they are the right ones.',
    fix: 'cause one, for example by uploading a file into a watched folder',
  }
}
