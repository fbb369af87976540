import { useMemo } from 'preact/hooks'
import {
  durationText,
  type EventTimeline,
  type Lane,
  type Scale,
  scaleOf,
  ticksOf,
} from '../../../../lib/operations/event-timeline.ts'

const LEGEND = [
  ['good', 'went well'],
  ['wait', 'waiting, or to be tried again'],
  ['bad', 'refused, cut off or failed'],
] as const

/** An event's life as a picture: a row for ingest, the queue and each automation, with how long each took. */
export function Timeline({ story }: { readonly story: EventTimeline }) {
  const scale = useMemo(() => scaleOf(story), [story])
  if (story.lanes.length === 0) return null
  const first = story.steps[0]?.at ?? 0
  const last = story.steps.at(-1)?.at ?? first
  return (
    <figure class="timeline">
      <div
        role="img"
        aria-label={`Timeline over ${durationText(last - first)}; the list below says the same in words.`}
      >
        {story.lanes.map(lane => (
          <LaneRow key={lane.name} lane={lane} scale={scale} />
        ))}
        <div class="lane axis">
          <span class="lane-name" />
          <div class="track">
            {ticksOf(story, scale).map(at => (
              <span key={at} class={tickClass(scale(at))} style={{ left: percent(scale(at)) }}>
                +{durationText(at - first)}
              </span>
            ))}
          </div>
        </div>
      </div>
      <figcaption class="quiet">
        {LEGEND.map(([tone, text]) => (
          <span key={tone} class="legend">
            <i class={`swatch ${tone}`} /> {text}
          </span>
        ))}
        <span>Not to scale: short moments are shown wider than long waits.</span>
      </figcaption>
    </figure>
  )
}

const percent = (share: number): string => `${(share * 100).toFixed(2)}%`

/** The times at the edges stay inside the picture. */
function tickClass(share: number): string {
  if (share < 0.08) return 'tick first'
  return share > 0.92 ? 'tick last' : 'tick'
}

function LaneRow({ lane, scale }: { readonly lane: Lane; readonly scale: Scale }) {
  return (
    <div class="lane">
      <span class="lane-name" title={lane.name}>
        {lane.name}
      </span>
      <div class="track">
        {lane.spans.map(({ from, to, tone, text }) => (
          <div
            key={`${from} ${to} ${text}`}
            class={`span ${tone}`}
            title={`${text} (${durationText(to - from)})`}
            style={{ left: percent(scale(from)), width: percent(scale(to) - scale(from)) }}
          >
            <span>{durationText(to - from)}</span>
          </div>
        ))}
        {lane.marks.map(({ at, tone, text }) => (
          <i key={`${at} ${text}`} class={`mark ${tone}`} title={text} style={{ left: percent(scale(at)) }} />
        ))}
      </div>
    </div>
  )
}
