import { expect, test } from 'vitest'
import { ageText, parseAge } from '../../../cli/terminal/age.ts'

test.each([
  ['90s', 90],
  ['30m', 1800],
  ['2h', 7200],
  ['3d', 259_200],
  ['', undefined],
  ['3', undefined],
  ['-3d', undefined],
  ['1.5h', undefined],
  ['3 d', undefined],
])('the age %j has %s seconds', (text, seconds) => {
  expect(parseAge(text)).toBe(seconds)
})

test.each([
  [0, '0s'],
  [59, '59s'],
  [60, '1m'],
  [7199, '1h'],
  [259_200, '3d'],
])('%i seconds are told as %s', (seconds, text) => {
  expect(ageText(seconds)).toBe(text)
})
