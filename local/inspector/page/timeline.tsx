import { useMemo } from 'preact/hooks'
import { durationText, type Lane, type Scale, type Story, scaleOf } from '../story.ts'

const LANE_HEIGHT = 34
const NAME_WIDTH = 0
const WIDTH = 1000

/** An event's life as a picture: a row for the front door, the queue and each automation. */
export function Timeline({ story }: { readonly story: Story }) {
  const scale = useMemo(() => scaleOf(story), [story])
  const height = story.lanes.length * LANE_HEIGHT + 4
  if (story.lanes.length === 0) return null
  const first = story.steps[0]?.at ?? 0
  const last = story.steps.at(-1)?.at ?? first
  return (
    <figure class="timeline">
      <div class="timeline-names" aria-hidden="true">
        {story.lanes.map(({ name }) => (
          <span key={name}>{name}</span>
        ))}
      </div>
      <svg
        viewBox={`0 0 ${WIDTH} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Timeline over ${durationText(last - first)}; the list below says the same in words.`}
      >
        {story.lanes.map((lane, index) => (
          <LaneRow key={lane.name} lane={lane} top={index * LANE_HEIGHT} scale={scale} />
        ))}
      </svg>
      <figcaption class="quiet">
        {durationText(last - first)} in all. Not to scale: short moments are shown wider than long waits.
      </figcaption>
    </figure>
  )
}

function LaneRow({ lane, top, scale }: { readonly lane: Lane; readonly top: number; readonly scale: Scale }) {
  const x = (at: number): number => NAME_WIDTH + 6 + scale(at) * (WIDTH - NAME_WIDTH - 12)
  return (
    <g>
      <line class="lane" x1={0} x2={WIDTH} y1={top + LANE_HEIGHT / 2} y2={top + LANE_HEIGHT / 2} />
      {lane.spans.map(({ from, to, tone, text }) => (
        <g key={`${from} ${to} ${text}`}>
          <title>{`${text} (${durationText(to - from)})`}</title>
          <rect
            class={`span ${tone}`}
            x={x(from)}
            width={Math.max(4, x(to) - x(from))}
            y={top + 8}
            height={LANE_HEIGHT - 16}
            rx={3}
          />
        </g>
      ))}
      {lane.marks.map(({ at, tone, text }) => (
        <line
          key={`${at} ${text}`}
          class={`mark ${tone}`}
          x1={x(at)}
          x2={x(at)}
          y1={top + 4}
          y2={top + LANE_HEIGHT - 4}
        >
          <title>{text}</title>
        </line>
      ))}
    </g>
  )
}
