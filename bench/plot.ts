import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../infra/build/bundle.ts'
import { ENGINES } from './automate.ts'
import { barChart, type LineChart, lineChart } from './chart.ts'
import { COLD_FUNCTIONS, type ColdFunction } from './cold.ts'
import { describeMachine } from './machine.ts'
import type { Figures } from './main.ts'
import { VERIFIERS, type Verifier } from './verify.ts'

/** Draws what was measured into docs/; returns the files, as paths from the root. */
export async function writePlots(figures: Figures): Promise<string[]> {
  const note = describeMachine(figures.machine)
  const drawn = { ...bars(figures, note), ...lines(figures, note) }
  for (const [name, svg] of Object.entries(drawn)) await writeFile(join(ROOT, 'docs', name), svg)
  return Object.keys(drawn).map(name => `docs/${name}`)
}

function bars({ cold, verify, automate }: Figures, note: string): Record<string, string> {
  const small = verify?.[0]
  return {
    ...(cold && {
      'performance-cold.svg': barChart({
        title: 'Cold start over an empty function',
        unit: 'ms',
        note,
        bars: cold
          .filter(({ name }) => COMPARED.includes(name))
          .map(({ name, overEmptyMs: value }) => ({
            label: COLD_FUNCTIONS[name],
            value,
            ours: name === 'ingest',
          })),
      }),
    }),
    ...(small && {
      'performance-verify.svg': barChart({
        title: `Verifying ${small.kilobytes} KB, by one raw createHmac`,
        unit: '×',
        note,
        bars: VERIFIED.map(name => ({
          label: VERIFIERS[name],
          value: small.ratios[name],
          ours: name.startsWith('ours'),
        })),
      }),
    }),
    ...(automate && {
      'performance-automate.svg': barChart({
        title: 'Processor time for one event',
        unit: 'ms',
        note,
        bars: automate.flatMap(({ automations, engines }) =>
          (['boxhooks', 'powertools'] as const).map(name => ({
            label: `${ENGINES[name]}, ${automations}`,
            value: engines[name].cpuMs,
            ours: name === 'boxhooks',
          })),
        ),
      }),
    }),
  }
}

/** Receivers of deliveries, with what they are made of. */
const COMPARED: readonly ColdFunction[] = ['bare-http', 'lean-sigv4', 'ingest', 'aws-sdk', 'box-sdk']

const VERIFIED: readonly Verifier[] = [
  'raw',
  'ours-one',
  'ours-both',
  'box-sdk',
  'octokit',
  'standardwebhooks',
]

function lines({ stack, growth }: Figures, note: string): Record<string, string> {
  const panels = (title: string, charts: readonly LineChart[]) => lineChart({ title, note, charts })
  return {
    ...(stack && {
      'performance-stack.svg': panels('The whole local stack at rising rates', [
        {
          x: 'deliveries a second',
          y: 'ms until the answer',
          lines: {
            p50: stack.steps.map(({ rate, ingestMs }) => [rate, ingestMs.p50]),
            p99: stack.steps.map(({ rate, ingestMs }) => [rate, ingestMs.p99]),
          },
        },
        {
          x: 'deliveries a second',
          y: 'ms until the effect',
          lines: {
            p50: stack.steps.map(({ rate, endToEndMs }) => [rate, endToEndMs.p50]),
            p99: stack.steps.map(({ rate, endToEndMs }) => [rate, endToEndMs.p99]),
          },
        },
        {
          x: 'seconds',
          y: 'MB',
          lines: { memory: stack.memory.map(({ seconds, rssMb }) => [seconds, rssMb]) },
        },
      ]),
    }),
    ...(growth && {
      'performance-growth.svg': panels('How the processor time of an event grows', [
        {
          x: 'events before',
          y: 'ms',
          isLogarithmic: true,
          lines: { automate: growth.byEvents.map(({ at, cpuMs }) => [at, cpuMs]) },
        },
        {
          x: 'automations an event',
          y: 'ms',
          lines: { automate: growth.byAutomations.map(({ at, cpuMs }) => [at, cpuMs]) },
        },
        {
          x: 'KB of the body',
          y: 'ms',
          isLogarithmic: true,
          lines: {
            ingest: growth.byBody.map(({ kilobytes, ingestCpuMs }) => [kilobytes, ingestCpuMs]),
            automate: growth.byBody.map(({ kilobytes, automateCpuMs }) => [kilobytes, automateCpuMs]),
          },
        },
      ]),
    }),
  }
}
