// Prints what each part of the run took and counted, and ends in one line with the sums; exits 1 where anything failed.
import { readdirSync, readFileSync } from 'node:fs'

const folder = new URL('../.boxhooks/results/', import.meta.url)
const results = readdirSync(folder)
  .filter(file => file.endsWith('.json') && !file.endsWith('.vitest.json'))
  .map(file => JSON.parse(readFileSync(new URL(file, folder), 'utf8')))
for (const { name, seconds, passed, failed } of results)
  console.log(`${String(seconds).padStart(5)} s  ${name}: ${passed} passed, ${failed} failed`)
const sum = key => results.reduce((total, result) => total + result[key], 0)
console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
process.exitCode = sum('failed') === 0 && results.length > 0 ? 0 : 1
