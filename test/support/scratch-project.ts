import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../../infra/build/bundle.ts'

/** A folder with a serverless.yml, automations/ and test/automations/ of its own, for commands that read and write them. */
export type ScratchProject = {
  readonly folder: string
  /** Reads a file. */
  text(path: string): Promise<string>
  write(path: string, text: string): Promise<void>
  /** Lists the automations and their tests. */
  files(): Promise<readonly string[]>
  remove(): Promise<void>
}

const SERVERLESS = `service: boxhooks
provider:
  runtime: nodejs24.x
  architecture: arm64
params:
  local:
    FOLDER_ID: "100001"
  dev:
    FOLDER_ID: "1"
`

/** Makes a project; its stages local and dev have a value for FOLDER_ID, and no other stage has any. */
export async function scratchProject(): Promise<ScratchProject> {
  await mkdir(join(ROOT, '.boxhooks'), { recursive: true })
  const folder = await mkdtemp(join(ROOT, '.boxhooks', 'project-'))
  for (const path of ['automations', 'test/automations']) await mkdir(join(folder, path), { recursive: true })
  const write = (path: string, text: string) => writeFile(join(folder, path), text)
  await write('serverless.yml', SERVERLESS)
  return {
    folder,
    text: path => readFile(join(folder, path), 'utf8'),
    write,
    async files() {
      const folders = ['automations', 'test/automations']
      const names = await Promise.all(folders.map(name => readdir(join(folder, name))))
      return folders.flatMap((name, index) => (names[index] ?? []).map(file => `${name}/${file}`)).sort()
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** The code of an automation, with whatever declares it but its name. */
export const automationCode = (name: string, declaration: string): string =>
  `import { automation } from 'boxhooks'
export default automation({ name: '${name}', ${declaration}, async run() {} })
`
