import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../infra/bundle.ts'
import { COLD_FUNCTIONS } from './cold.ts'
import { describeMachine } from './machine.ts'
import type { Figures } from './main.ts'
import { VERIFIERS, type Verifier } from './verify.ts'

type Bar = { readonly label: string; readonly value: number; readonly ours: boolean }
type Chart = {
  readonly title: string
  readonly unit: string
  readonly bars: readonly Bar[]
  readonly note: string
}

/** Draws what was measured into docs/; returns the files, as paths from the root. */
export async function writePlots({ machine, cold, verify }: Figures): Promise<string[]> {
  const note = describeMachine(machine)
  const files: [string, Chart][] = []
  if (cold) {
    const bars = cold
      .filter(({ name }) => name !== 'empty')
      .map(({ name, overEmptyMs: value }) => ({
        label: COLD_FUNCTIONS[name],
        value,
        ours: name === 'ingest',
      }))
    files.push([
      'performance-cold.svg',
      { title: 'Cold start over an empty function', unit: 'ms', bars, note },
    ])
  }
  const small = verify?.[0]
  if (small) {
    const names: readonly Verifier[] = [
      'raw',
      'ours-one',
      'ours-both',
      'box-sdk',
      'octokit',
      'standardwebhooks',
    ]
    const bars = names.map(name => ({
      label: VERIFIERS[name],
      value: small.ratios[name],
      ours: name.startsWith('ours'),
    }))
    const title = `Verifying ${small.kilobytes} KB, by one raw createHmac`
    files.push(['performance-verify.svg', { title, unit: '×', bars, note }])
  }
  for (const [name, chart] of files) await writeFile(join(ROOT, 'docs', name), draw(chart))
  return files.map(([name]) => `docs/${name}`)
}

const [WIDTH, LABEL, ROW] = [860, 330, 30]

function draw({ title, unit, bars, note }: Chart): string {
  const most = Math.max(...bars.map(({ value }) => value), 0.001)
  const height = 56 + bars.length * ROW + 28
  const rows = bars.map(({ label, value, ours }, index) => {
    const y = 48 + index * ROW
    const width = Math.max(1, (Math.max(0, value) / most) * (WIDTH - LABEL - 100))
    return `<text x="${LABEL - 10}" y="${y + 16}" text-anchor="end">${escaped(label)}</text><rect x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 8}" fill="${ours ? '#0b6bcb' : '#9aa5b1'}"/><text x="${(LABEL + width + 8).toFixed(1)}" y="${y + 16}">${value.toFixed(unit === '×' ? 2 : 1)} ${unit}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="14" role="img" aria-label="${escaped(title)}"><rect width="100%" height="100%" fill="#fff"/><text x="16" y="28" font-size="17" font-weight="600">${escaped(title)}</text>${rows.join('')}<text x="16" y="${height - 12}" font-size="11" fill="#52606d">${escaped(note)}</text></svg>\n`
}

const escaped = (text: string): string => text.replace(/[&<>"]/g, sign => `&#${sign.charCodeAt(0)};`)
