// Prints what each part of the run took and counted, and ends in one line with the sums; exits 1 where one failed.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '../.boxhooks/results')
const results = readdirSync(folder)
  .filter(file => file.endsWith('.json') && !file.endsWith('.vitest.json'))
  .map(file => JSON.parse(readFileSync(join(folder, file), 'utf8')))
const describe = ({ name, seconds, passed, failed }) =>
  `${String(seconds).padStart(5)} s  ${name}: ${passed} passed, ${failed} failed`
for (const result of results) console.log(describe(result))
const sum = key => results.reduce((total, result) => total + result[key], 0)
console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
process.exitCode = sum('failed') === 0 && results.length > 0 ? 0 : 1
