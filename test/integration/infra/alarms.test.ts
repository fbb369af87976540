import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { ROOT } from '../../../infra/build/bundle.ts'
import { type CompiledTemplate, resource } from '../../../infra/build/template.ts'
import { isObject } from '../../../lib/base/json.ts'
import { isMetric, METRICS } from '../../../lib/log/metrics.ts'
import { packagedWithEverything } from '../../support/packaged.ts'

/** A stage with the one alarm that there is only where it is asked for. */
let template: CompiledTemplate
beforeAll(async () => {
  template = (await packagedWithEverything()).template
})

const NAMESPACE = 'boxhooks/everything'

/** A metric that the template shows or watches. */
type Used = { readonly name: string; readonly dimensions: readonly string[]; readonly stat: string }

const alarms = () =>
  Object.entries(template.Resources).filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm')

function alarmed(): Used[] {
  return alarms()
    .filter(([, { Properties }]) => Properties.Namespace === NAMESPACE)
    .map(
      ([
        ,
        {
          Properties: { MetricName, Dimensions = [], Statistic },
        },
      ]) => ({
        name: String(MetricName),
        dimensions: Array.isArray(Dimensions) ? Dimensions.map(({ Name }) => String(Name)) : [],
        stat: String(Statistic),
      }),
    )
}

const SEARCH = /^SEARCH\('\{"([^"]+)"((?:,\w+)+)\} MetricName="(\w+)"', '(\w+)', \d+\)$/

/** The dashboard's metrics of our own, with CloudWatch's short forms written out: `.` and `...` repeat the row above. */
function shown(): Used[] {
  const body = resource(template, 'Dashboard').Properties.DashboardBody
  const text = isObject(body) ? String(body['Fn::Sub']).replace(/\$\{[^}]*\}/g, 'x') : ''
  const { widgets }: { widgets: { properties: { metrics: unknown[][]; stat?: string } }[] } = JSON.parse(text)
  return widgets.flatMap(({ properties: { metrics, stat = '' } }) => {
    let above: unknown[] = []
    return metrics.flatMap((row): Used[] => {
      const own = row.filter(one => !isObject(one))
      const options = row.find(isObject) ?? {}
      if (typeof options.expression === 'string') return [searched(options.expression)]
      const full = own[0] === '...' ? above : own.map((one, index) => (one === '.' ? above[index] : one))
      above = full
      if (full[0] !== NAMESPACE) return []
      const dimensions = full.slice(2).filter((_, index) => index % 2 === 0)
      return [
        { name: String(full[1]), dimensions: dimensions.map(String), stat: String(options.stat ?? stat) },
      ]
    })
  })
}

function searched(expression: string): Used {
  const [found, namespace, dimensions = '', name = '', stat = ''] = SEARCH.exec(expression) ?? []
  expect(found, expression).toBe(expression)
  expect(namespace).toBe(NAMESPACE)
  return { name, dimensions: dimensions.split(',').slice(1), stat }
}

describe('the metrics that the template uses', () => {
  test('are those that the code writes, with just their dimensions', () => {
    const used = [...alarmed(), ...shown()]
    expect(used.length).toBeGreaterThan(10)
    for (const { name, dimensions } of used) {
      expect(isMetric(name), name).toBe(true)
      if (isMetric(name)) expect([name, ...dimensions]).toEqual([name, ...METRICS[name].dimensions])
    }
  })

  test('and each that the code writes is on the dashboard', () => {
    expect([...new Set(shown().map(({ name }) => name))].sort()).toEqual(Object.keys(METRICS).sort())
  })

  test('those that alarms rest on are marked as such, so that they are written by whatever stage', () => {
    const marked = Object.entries(METRICS).filter(([, { alarm }]) => alarm)
    expect([...new Set(alarmed().map(({ name }) => name))].sort()).toEqual(
      marked.map(([name]) => name).sort(),
    )
  })

  test('are added up where they count, and not where they measure', () => {
    for (const { name, stat } of [...alarmed(), ...shown()]) {
      if (name === 'WebhooksMissing' || name === 'WebhooksInConflict')
        expect([name, stat]).toEqual([name, 'Maximum'])
      else if (isMetric(name) && METRICS[name].unit === 'Count') expect([name, stat]).toEqual([name, 'Sum'])
      else expect(stat).toMatch(/^(p\d+|Maximum|Average)$/)
    }
  })

  test('are made from the lines alone: there is no filter beside them, and the functions know their namespace', () => {
    expect(Object.values(template.Resources).map(({ Type }) => Type)).not.toContain('AWS::Logs::MetricFilter')
    for (const name of ['Ingest', 'Automate', 'Reconcile'])
      expect(resource(template, `${name}LambdaFunction`).Properties.Environment).toMatchObject({
        Variables: { METRICS_NAMESPACE: NAMESPACE, METRICS: 'alarms' },
      })
    for (const name of ['Automate', 'Reconcile'])
      expect(resource(template, `${name}LambdaFunction`).Properties.Environment).toMatchObject({
        Variables: { LOG_DETAILS: 'true' },
      })
  })
})

describe('docs/operate.md', () => {
  const docs = readFileSync(join(ROOT, 'docs', 'operate.md'), 'utf8')
  const [, section = ''] = /^## Alarms\n([\s\S]*?)(?=^## )/m.exec(docs) ?? []
  const documented = section.split(/^### /m).slice(1)

  test('has every alarm of the template, and no other', () => {
    const names = documented.map(one => one.split('\n')[0])
    expect(names.sort()).toEqual(
      alarms()
        .map(([id]) => id.replace(/Alarm$/, ''))
        .sort(),
    )
  })

  test.each(documented.map(one => [one.split('\n')[0], one]))(
    'says of %s what it means, and what to do, the likeliest first',
    (_, text) => {
      const [, meaning = '', causes = ''] = /^\w+\n\n([\s\S]+?)\n\n(1\. [\s\S]+)$/.exec(text ?? '') ?? []
      expect(meaning).not.toBe('')
      const numbers = [...causes.matchAll(/^(\d+)\. (.+)/gm)]
      expect(numbers.length).toBeGreaterThanOrEqual(2)
      expect(numbers.map(([, number]) => Number(number))).toEqual(numbers.map((__, index) => index + 1))
      // Each names the cause in bold, and then says what to do.
      for (const [, , cause] of numbers) expect(cause).toMatch(/^\*\*.+\*\*,? .*\S/)
    },
  )

  test('explains every metric, and no other', () => {
    const rows = [...docs.matchAll(/^\| `([A-Z]\w+)` \| ([^|]*) \|/gm)].map(([, name, dimensions]) => [
      name,
      dimensions,
    ])
    const written = Object.entries(METRICS).map(([name, { dimensions }]) => [
      name,
      dimensions.map(one => `\`${one}\``).join(', ') || '–',
    ])
    expect(rows.sort()).toEqual(written.sort())
  })
})
