// Prints what each part of the run took and counted, and ends in one line with the sums; exits 1 where a part that decides failed.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The parts of the thorough suite. They do not decide until a whole run of theirs has been green on this machine. */
const ADVISORY = new Set([
  'npm run test:thorough',
  'thorough tests',
  'fuzz',
  'simulation',
  'faults',
  'models beside moto',
  'stack in moto',
])

const folder = join(import.meta.dirname, '../.boxhooks/results')
const results = readdirSync(folder)
  .filter(file => file.endsWith('.json') && !file.endsWith('.vitest.json'))
  .map(file => JSON.parse(readFileSync(join(folder, file), 'utf8')))
const describe = ({ name, seconds, passed, failed }) =>
  `${String(seconds).padStart(5)} s  ${name}: ${passed} passed, ${failed} failed`
const advisory = results.filter(({ name }) => ADVISORY.has(name))
const deciding = results.filter(({ name }) => !ADVISORY.has(name))
for (const result of advisory) console.log(`${describe(result)} (does not decide)`)
for (const result of deciding) console.log(describe(result))
const sum = key => deciding.reduce((total, result) => total + result[key], 0)
console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
process.exitCode = sum('failed') === 0 && deciding.length > 0 ? 0 : 1
