import type { ComponentChildren } from 'preact'
import { durationText } from '../../../lib/operations/event-timeline.ts'
import { bucketsOf, type Latency, latencyOf, percentile } from '../plot-data.ts'
import { clockText } from './parts.tsx'
import type { Row, Sample } from './store.ts'

const WIDTH = 300
const HEIGHT = 90
const MINUTES = 5

/** Deliveries a second over the last minutes: accepted, refused, and not taken. */
export function ThroughputPlot({ rows }: { readonly rows: readonly Row[] }) {
  const buckets = bucketsOf(
    rows.flatMap(({ delivery }) => (delivery ? [delivery] : [])),
    Date.now(),
    { count: 60, ms: (MINUTES * 60_000) / 60 },
  )
  const most = Math.max(1, ...buckets.map(({ good, refused, failed }) => good + refused + failed))
  const width = WIDTH / buckets.length
  const seconds = (MINUTES * 60) / buckets.length
  return (
    <Plot
      title="Deliveries"
      note={`at most ${(most / seconds).toFixed(1)} a second, over the last ${MINUTES} minutes`}
      top={`${(most / seconds).toFixed(1)} a second`}
      ends={[`${MINUTES} min ago`, 'now']}
    >
      {buckets.map(({ at, good, refused, failed }, index) => {
        const [x, w] = [index * width, Math.max(1, width - 1)]
        const height = (count: number) => (count / most) * HEIGHT
        return (
          <g key={at}>
            <rect class="span good" x={x} width={w} y={HEIGHT - height(good)} height={height(good)} />
            <rect
              class="span bad"
              x={x}
              width={w}
              y={HEIGHT - height(good + refused)}
              height={height(refused)}
            />
            <rect
              class="span wait"
              x={x}
              width={w}
              y={HEIGHT - height(good + refused + failed)}
              height={height(failed)}
            />
          </g>
        )
      })}
    </Plot>
  )
}

/** How long answers took, and how long events took from their first delivery to their end. */
export function LatencyPlot({ rows }: { readonly rows: readonly Row[] }) {
  const { answers, ends } = latencyOf(rows)
  const line = (name: string, all: readonly Latency[]) => {
    const values = all.map(({ ms }) => ms)
    return values.length === 0
      ? `${name}: none yet`
      : `${name}: median ${durationText(percentile(values, 0.5))}, 99th percentile ${durationText(percentile(values, 0.99))}`
  }
  const all = [...answers, ...ends]
  const most = Math.log1p(Math.max(1, ...all.map(({ ms }) => ms)))
  const first = Math.min(...all.map(({ at }) => at))
  const span = Math.max(1, Math.max(...all.map(({ at }) => at)) - first)
  const dots = (points: readonly Latency[], tone: string) =>
    points.map(({ key, at, ms }) => (
      <circle
        key={key}
        class={`dot ${tone}`}
        cx={((at - first) / span) * WIDTH}
        cy={HEIGHT - (Math.log1p(ms) / most) * HEIGHT}
        r={1.8}
      />
    ))
  return (
    <Plot
      title="Latency"
      note={`${line('answer', answers)}; ${line('end to end', ends)}`}
      top={
        all.length > 0
          ? `${durationText(Math.max(...all.map(({ ms }) => ms)))}, grey: answers, green: end to end`
          : ''
      }
      ends={all.length > 0 ? [clockText(first), clockText(first + span)] : ['', '']}
    >
      {dots(answers, 'plain')}
      {dots(ends, 'good')}
    </Plot>
  )
}

/** How full the queue was since the page is open. */
export function QueuePlot({ samples }: { readonly samples: readonly Sample[] }) {
  const levels = samples.map(({ state: { queue } }) => queue.waiting + queue.inFlight + queue.delayed)
  const most = Math.max(1, ...levels)
  const first = samples[0]?.at ?? 0
  const span = Math.max(1, (samples.at(-1)?.at ?? 0) - first)
  const points = samples.map(
    ({ at }, index) => `${((at - first) / span) * WIDTH},${HEIGHT - ((levels[index] ?? 0) / most) * HEIGHT}`,
  )
  return (
    <Plot
      title="On the queue"
      note={`at most ${most}, since this page is open`}
      top={String(most)}
      ends={samples.length > 0 ? [clockText(first), 'now'] : ['', '']}
    >
      <polyline class="curve" points={points.join(' ')} />
    </Plot>
  )
}

function Plot(props: {
  readonly title: string
  readonly note: string
  /** What the upper edge stands for. */
  readonly top: string
  /** What the left and the right edge stand for. */
  readonly ends: readonly [string, string]
  readonly children: ComponentChildren
}) {
  return (
    <figure class="plot">
      <figcaption>
        <strong>{props.title}</strong> <span class="quiet">{props.note}</span>
      </figcaption>
      <div class="plot-picture">
        <span>{props.top}</span>
        <svg
          viewBox={`0 -4 ${WIDTH} ${HEIGHT + 8}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${props.title}: ${props.note}`}
        >
          {props.children}
        </svg>
      </div>
      <p class="plot-ends">
        <span>{props.ends[0]}</span>
        <span>{props.ends[1]}</span>
      </p>
    </figure>
  )
}
