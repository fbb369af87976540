import type { Finding } from './examine.ts'

const count = (findings: readonly Finding[], result: Finding['result']): number =>
  findings.filter(one => one.result === result).length

/** What people read: what failed with what to do about it, and the sum. */
export function textReport(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ requirement, result, detail }) => {
    const { id, level, says, means, mend, source } = requirement
    if (result === 'passed') return []
    if (result === 'skipped') return [`skip  ${id}: ${detail}`]
    return [
      `${level === 'must' ? 'FAIL' : 'warn'}  ${id}`,
      `      ${says}`,
      `      But ${detail}.`,
      `      ${means}`,
      `      ${mend}`,
      `      See ${source}`,
    ]
  })
  const failed = findings.filter(({ result }) => result === 'failed')
  const musts = failed.filter(({ requirement }) => requirement.level === 'must').length
  const sum = `${count(findings, 'passed')} of ${findings.length} requirements hold; ${musts} that must and ${failed.length - musts} that should do not; ${count(findings, 'skipped')} were skipped.`
  return [...lines, ...(lines.length > 0 ? [''] : []), sum].join('\n')
}

/** What programs read. */
export function jsonReport(url: string, at: Date, findings: readonly Finding[]): string {
  const report = {
    url,
    at: at.toISOString(),
    passed: count(findings, 'passed'),
    failed: count(findings, 'failed'),
    skipped: count(findings, 'skipped'),
    requirements: findings.map(({ requirement, result, detail, ms }) => {
      const { id, level, says, source, means, mend } = requirement
      const more = result === 'failed' ? { detail, means, mend } : detail ? { detail } : {}
      return { id, level, says, source, result, ...more, ms }
    }),
  }
  return JSON.stringify(report, null, 2)
}

/** JUnit's XML, which build servers show. What should hold and does not is a case that is skipped, with the reason. */
export function junitReport(url: string, at: Date, findings: readonly Finding[]): string {
  const cases = findings.map(finding => {
    const { requirement, result, ms } = finding
    const [group] = requirement.id.split('.')
    const head = `    <testcase classname="boxhooks.conformance.${xml(group ?? '')}" name="${xml(`${requirement.id}: ${requirement.says}`)}" time="${ms / 1000}"`
    return result === 'passed' ? `${head}/>` : `${head}>${outcomeOf(finding)}</testcase>`
  })
  const ms = findings.reduce((sum, one) => sum + one.ms, 0)
  const failures = findings.filter(isFailure).length
  const skipped = findings.length - failures - count(findings, 'passed')
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `  <testsuite name="${xml(`Box webhook receiver ${url}`)}" timestamp="${at.toISOString()}" tests="${findings.length}" failures="${failures}" errors="0" skipped="${skipped}" time="${ms / 1000}">`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

const isFailure = ({ result, requirement }: Finding): boolean =>
  result === 'failed' && requirement.level === 'must'

function outcomeOf(finding: Finding): string {
  const { detail, requirement } = finding
  if (isFailure(finding))
    return `<failure message="${xml(detail)}">${xml(`${requirement.means} ${requirement.mend} See ${requirement.source}`)}</failure>`
  return `<skipped message="${xml(finding.result === 'failed' ? `should hold: ${detail}` : detail)}"/>`
}

/** Text as XML 1.0 can carry it: what it can't is left out. */
export function xml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&apos;',
  }
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"']/g, character => entities[character] ?? '')
    .replace(/[\t\n\r]/g, space => `&#${space.charCodeAt(0)};`)
}
