import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../../../infra/build/bundle.ts'
import { isObject } from '../../../lib/base/json.ts'

type Package = Readonly<Record<string, unknown>>

const read = (file: string): Record<string, unknown> => {
  const json: unknown = JSON.parse(readFileSync(join(ROOT, file), 'utf8'))
  if (!isObject(json)) throw new TypeError(`${file} is no JSON object.`)
  return json
}

const lockfile = read('package-lock.json')
/** Every installed package, by its place in node_modules. */
const packages: (readonly [place: string, one: Package])[] = Object.entries(
  isObject(lockfile.packages) ? lockfile.packages : {},
).flatMap(([place, one]) => (place !== '' && isObject(one) ? [[place, one] as const] : []))

const nameOf = (place: string): string =>
  place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)

describe('the lockfile', () => {
  test('pins every package to a version and a hash of what is downloaded', () => {
    expect(packages.length).toBeGreaterThan(50)
    for (const [place, { version, integrity }] of packages) {
      expect(version, place).toMatch(/^\d+\.\d+\.\d+/)
      expect(integrity, place).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/)
    }
  })

  test('takes packages from the registry alone: no other host, no git, no file, no alias under another name', () => {
    for (const [place, { resolved, link, name }] of packages) {
      if (resolved !== undefined) expect(resolved, place).toMatch(/^https:\/\/registry\.npmjs\.org\//)
      expect(link, place).toBeUndefined()
      if (name !== undefined) expect(name, place).toBe(nameOf(place))
    }
  })

  test('has exactly the install scripts that package.json lists', () => {
    const { allowScripts } = read('package.json')
    const withScripts = packages
      .filter(([, one]) => one.hasInstallScript === true)
      .map(([place]) => nameOf(place))
    expect([...new Set(withScripts)].sort()).toEqual(
      Object.keys(isObject(allowScripts) ? allowScripts : {}).sort(),
    )
  })
})

describe('what is deployed', () => {
  const deployed = packages.filter(([, one]) => one.dev !== true && one.devOptional !== true)

  test('runs no install script', () => {
    expect(deployed.filter(([, one]) => one.hasInstallScript === true)).toEqual([])
  })

  test('has licences that ask for no more than a notice', () => {
    const permissive = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD']
    expect(deployed.length).toBeGreaterThan(10)
    for (const [place, { license }] of deployed) expect(permissive, place).toContain(license)
  })

  test('is declared to the exact version', () => {
    const { dependencies, devDependencies } = read('package.json')
    for (const declared of [dependencies, devDependencies])
      for (const [name, version] of Object.entries(isObject(declared) ? declared : {}))
        expect(version, name).toMatch(/^\d+\.\d+\.\d+$/)
  })
})
