import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { ROOT } from '../../../infra/build/bundle.ts'
import { scriptOf } from '../../support/tools.ts'

test('knip finds no file, export or dependency that nothing uses', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [scriptOf('knip'), '--no-config-hints'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
})
