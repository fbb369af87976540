import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Finding } from '../../../conformance/examine.ts'
import { jsonReport, junitReport, textReport, xml } from '../../../conformance/report.ts'
import { REQUIREMENTS } from '../../../conformance/requirements.ts'
import { anyCharacter } from '../../support/any-character.ts'

const AT = new Date('2026-11-23T10:00:00Z')
const finding = fc.record<Finding>({
  requirement: fc.constantFrom(...REQUIREMENTS),
  result: fc.constantFrom('passed', 'failed', 'skipped'),
  detail: fc.string({ unit: anyCharacter }),
  ms: fc.nat(),
})
const findings = fc.array(finding)

/** The entities are the five of XML and white space's, nothing is left open, and there is no character that XML can't carry. */
const WELL_FORMED = /^(?:[^<&>"\p{Cc}\ufffe\uffff]|&(?:amp|lt|gt|quot|apos|#9|#10|#13);)*$/u

test('whatever an answer says, its text in the XML is well formed', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), text => {
      expect(xml(text).replace(/[\u007f-\u009f]/g, '')).toMatch(WELL_FORMED)
    }),
  )
})

test('the JUnit report has a case for each requirement, and counts them right', () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true }), findings, (url, list) => {
      const report = junitReport(url, AT, list)
      const isFailure = ({ result, requirement }: Finding) =>
        result === 'failed' && requirement.level === 'must'
      const failures = list.filter(isFailure).length
      expect(report.match(/<testcase /g) ?? []).toHaveLength(list.length)
      expect(report.match(/<failure /g) ?? []).toHaveLength(failures)
      expect(report).toContain(`tests="${list.length}" failures="${failures}"`)
      const opened = report.match(/<(?![/?])[a-z]+[^>]*[^/]>/g) ?? []
      expect(report.match(/<\/[a-z]+>/g) ?? []).toHaveLength(opened.length)
    }),
  )
})

test('the JSON report gives back every finding', () => {
  fc.assert(
    fc.property(findings, list => {
      const report = JSON.parse(jsonReport('https://example.com/', AT, list))
      expect(report.passed + report.failed + report.skipped).toBe(list.length)
      expect(report.requirements.map(({ id }: { id: string }) => id)).toEqual(
        list.map(({ requirement }) => requirement.id),
      )
    }),
  )
})

test('people read what failed, what was expected and what to do, and the sum', () => {
  const [requirement] = REQUIREMENTS
  if (!requirement) throw new Error('There are no requirements.')
  const text = textReport([
    { requirement, result: 'failed', detail: '2xx was expected, and 403 came', ms: 1 },
    { requirement, result: 'passed', detail: '', ms: 1 },
    { requirement, result: 'skipped', detail: 'The secondary key was not given.', ms: 0 },
  ])
  expect(text).toBe(
    [
      `FAIL  ${requirement.id}`,
      `      ${requirement.says}`,
      '      But 2xx was expected, and 403 came.',
      `      ${requirement.means}`,
      `      ${requirement.mend}`,
      `      See ${requirement.source}`,
      `skip  ${requirement.id}: The secondary key was not given.`,
      '',
      '1 of 3 requirements hold; 1 that must and 0 that should do not; 1 were skipped.',
    ].join('\n'),
  )
})
