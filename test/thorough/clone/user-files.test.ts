import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT } from '../../../infra/build/bundle.ts'

const OWN_AUTOMATION = `import { automation } from 'boxhooks'

export default automation({
  name: 'note-renames',
  on: 'FOLDER.RENAMED',
  watch: { folder: '\${TEAM_FOLDER_ID}' },
  run({ log }) {
    log.info('renamed')
  },
})
`

let clone: string
beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'boxhooks-clone-'))
  const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  for (const file of listed.stdout.split('\0').filter(Boolean))
    cpSync(join(ROOT, file), join(clone, file), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'), 'junction')
  const serverless = join(clone, 'serverless.yml')
  const own = readFileSync(serverless, 'utf8')
    .replace(/^service: .*$/m, 'service: documents')
    .replace(/^params:\n/m, 'params:\n  prod:\n    alarmEmail: ops@example.com\n    TEAM_FOLDER_ID: "7"\n')
  expect(own).toContain('service: documents\n')
  expect(own).toContain('  prod:\n')
  writeFileSync(serverless, own)
})
afterAll(() => rmSync(clone, { recursive: true, force: true }))

/** Runs a script of package.json in the clone, under this Node. */
function npmRun(...args: string[]): SpawnSyncReturns<string> {
  const { npm_execpath: npm } = process.env
  if (!npm) throw new Error('npm is not known. Run this through npm: npm test -- test/thorough/clone')
  const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST$|NODE_ENV$|CI$)/.test(name))
  const env = { ...Object.fromEntries(own), NO_COLOR: '1' }
  return spawnSync(process.execPath, [npm, 'run', ...args], { cwd: clone, env, encoding: 'utf8' })
}

/** The end of what a command printed, where a failure is explained. */
const ended = ({ status, stdout, stderr }: SpawnSyncReturns<string>) => ({
  status,
  said: status === 0 ? '' : `${stdout}\n${stderr}`.slice(-6000),
})
const PASSED = { status: 0, said: '' }

test.each([
  ['emptied', {}],
  ['replaced', { 'note-renames.ts': OWN_AUTOMATION }],
] as const)(
  'with automations/ %s, params.prod added and another service name, suite and demo pass',
  {
    timeout: 900_000,
  },
  (_, files) => {
    // Git keeps no empty folder, so a clone without automations has none either.
    for (const folder of ['automations', 'test/automations'])
      rmSync(join(clone, folder), { recursive: true, force: true })
    for (const [name, code] of Object.entries(files)) {
      mkdirSync(join(clone, 'automations'), { recursive: true })
      writeFileSync(join(clone, 'automations', name), code)
    }
    expect(ended(npmRun('test'))).toEqual(PASSED)
    expect(ended(npmRun('demo'))).toEqual(PASSED)
    expect(ended(npmRun('test:mine'))).toEqual(PASSED)
  },
)
