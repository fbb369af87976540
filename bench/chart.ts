/** Bars beside each other, ours in another colour. */
export type BarChart = {
  readonly title: string
  readonly unit: string
  readonly bars: readonly { readonly label: string; readonly value: number; readonly ours: boolean }[]
  /** Machine and date. */
  readonly note: string
}

/** Lines over one axis, by their names: points of x and y. */
export type LineChart = {
  readonly x: string
  readonly y: string
  /** Whether x grows by factors. */
  readonly isLogarithmic?: boolean
  readonly lines: Readonly<Record<string, readonly (readonly [number, number])[]>>
}

const [WIDTH, LABEL, ROW] = [860, 330, 30]
const [OURS, OTHERS, PALE] = ['#0b6bcb', '#9aa5b1', '#52606d']

export function barChart({ title, unit, bars, note }: BarChart): string {
  const most = Math.max(...bars.map(({ value }) => value), 0.001)
  const rows = bars.map(({ label, value, ours }, index) => {
    const y = 48 + index * ROW
    const width = Math.max(1, (Math.max(0, value) / most) * (WIDTH - LABEL - 100))
    const bar = `<rect x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 8}" fill="${ours ? OURS : OTHERS}"/>`
    const told = `${value.toFixed(unit === 'ms' && most > 20 ? 1 : 2)} ${unit}`
    return `${text(LABEL - 10, y + 16, label, 'end')}${bar}${text(LABEL + width + 8, y + 16, told)}`
  })
  return svg({ title, note, height: 56 + bars.length * ROW + 28, content: rows.join('') })
}

const [PANEL_WIDTH, PANEL_HEIGHT, MARGIN] = [260, 200, 24]

export function lineChart(chart: {
  readonly title: string
  readonly note: string
  readonly charts: readonly LineChart[]
}): string {
  const content = chart.charts
    .map((one, index) => panel(one, MARGIN + index * (PANEL_WIDTH + MARGIN)))
    .join('')
  return svg({ title: chart.title, note: chart.note, height: PANEL_HEIGHT + 130, content })
}

function panel({ x, y, lines, isLogarithmic = false }: LineChart, left: number): string {
  const points = Object.values(lines).flat()
  const scale = (value: number) => (isLogarithmic ? Math.log10(Math.max(value, 1e-9)) : value)
  const xs = points.map(([at]) => scale(at))
  const [from, to] = [Math.min(...xs), Math.max(...xs)]
  const most = Math.max(...points.map(([, value]) => value), 0.001)
  const top = 64
  const px = (at: number) => left + 34 + ((scale(at) - from) / (to - from || 1)) * (PANEL_WIDTH - 44)
  const py = (value: number) => top + PANEL_HEIGHT - (value / most) * (PANEL_HEIGHT - 20)
  const bottom = top + PANEL_HEIGHT
  const [first, last] = [points[0]?.[0] ?? 0, Math.max(...points.map(([at]) => at))]
  const drawn = Object.entries(lines).map(([name, line], index) => {
    const colour = index === 0 ? OURS : PALE
    const path = line.map(([at, value]) => `${px(at).toFixed(1)},${py(value).toFixed(1)}`).join(' ')
    const legend = text(left + 40, top + 8 + index * 16, name, 'start', colour)
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${legend}`
  })
  return [
    `<path d="M${left + 34} ${top}V${bottom}H${left + PANEL_WIDTH - 10}" fill="none" stroke="${OTHERS}"/>`,
    text(left + 30, top + 24, told(most), 'end', PALE),
    text(left + 30, bottom, '0', 'end', PALE),
    text(left + 34, bottom + 16, told(first), 'start', PALE),
    text(left + PANEL_WIDTH - 10, bottom + 16, told(last), 'end', PALE),
    text(left + PANEL_WIDTH / 2 + 12, bottom + 32, x, 'middle', PALE),
    text(left + 6, top - 8, y, 'start', PALE),
    ...drawn,
  ].join('')
}

const told = (value: number): string =>
  value >= 1000
    ? `${Math.round(value / 100) / 10}k`
    : value >= 10
      ? value.toFixed(0)
      : value.toFixed(2).replace(/\.?0+$/, '')

const text = (x: number, y: number, words: string, anchor = 'start', colour = '#1f2933'): string =>
  `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}" fill="${colour}" font-size="13">${escaped(words)}</text>`

function svg(parts: {
  readonly title: string
  readonly note: string
  readonly height: number
  readonly content: string
}): string {
  const { title, note, height, content } = parts
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" role="img" aria-label="${escaped(title)}"><rect width="100%" height="100%" fill="#fff"/><text x="16" y="28" font-size="17" font-weight="600">${escaped(title)}</text>${content}<text x="16" y="${height - 12}" font-size="11" fill="${PALE}">${escaped(note)}</text></svg>\n`
}

const escaped = (words: string): string => words.replace(/[&<>"]/g, sign => `&#${sign.charCodeAt(0)};`)
