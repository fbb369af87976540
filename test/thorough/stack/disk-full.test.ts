import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../../../infra/build/bundle.ts'

test.skipIf(process.platform === 'win32')(
  'a build that the disk has no room for names the file and the reason',
  async () => {
    await mkdir(join(ROOT, '.boxhooks'), { recursive: true })
    const folder = await mkdtemp(join(ROOT, '.boxhooks', 'disk-full-'))
    const code = `import { bundle } from './infra/build/bundle.ts'
    await bundle({ outDir: process.argv[1] }).catch(error => console.log(error.name, error.message))`
    // As if there were no more room than 200 KB.
    const limited = `ulimit -f 200; exec "$0" --input-type=module -e "$1" "$2"`
    const { stdout } = spawnSync('bash', ['-c', limited, process.execPath, code, folder], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
    })
    expect(stdout).toMatch(/^FileNotWritten .*\/\w+\/.*mjs.* can't be written \(EFBIG\)\. It would be larger/)
    await rm(folder, { recursive: true })
  },
)
