import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { readStageParams } from '../../infra/stage/stage-params.ts'
import { targetText } from '../../lib/event/target.ts'
import { readProjectAutomations } from '../stage/declarations.ts'
import type { Shell } from '../terminal/shell.ts'
import { type NewFile, writeAll } from '../terminal/write-files.ts'
import { automationCode, testCode } from './automation-template.ts'
import { createRefusal, type NewAutomation, readRequest } from './new-request.ts'

export type NewOptions = { readonly on: readonly string[]; readonly watch: readonly string[] }

/**
 * Writes an automation and its test, ready to run; or nothing.
 * @param name the automation's name, and that of its file
 * @throws ExpectedError
 */
export async function newAutomation(shell: Shell, name: string, { on, watch }: NewOptions): Promise<void> {
  const { project } = shell
  const asked = readRequest({ name, on, watch })
  const files = [
    { path: `test/automations/${name}.test.ts`, text: testCode(asked) },
    // The last, so that whatever watches the folder finds all there is.
    { path: `automations/${name}.ts`, text: automationCode(asked) },
  ]
  const problems = [
    ...(await listExisting(project, files)),
    ...(await listNameProblems(shell, name)),
    ...(await listMissingValues(project, asked)),
  ]
  if (problems.length > 0) throw createRefusal(problems)
  await writeAll(project, files).catch((cause: Error) => {
    throw createRefusal([`The files can't be written: ${cause.message}`], { cause })
  })
  await shell.print(formatNextSteps(asked))
}

async function listExisting(project: string, files: readonly NewFile[]): Promise<string[]> {
  const exist = await Promise.all(
    files.map(({ path }) =>
      access(join(project, path)).then(
        () => true,
        () => false,
      ),
    ),
  )
  return files
    .filter((_, index) => exist[index])
    .map(({ path }) => `${path} exists already. Choose another name.`)
}

async function listNameProblems(shell: Shell, name: string): Promise<string[]> {
  return (await readProjectAutomations(shell)).flatMap(declaration => {
    if ('error' in declaration)
      return [`${declaration.error.message} Fix it first: until then it is unknown which names are taken.`]
    const { file, entry } = declaration
    // A file of this very name is reported as one that exists.
    return entry.name === name && file !== `${name}.ts`
      ? [`automations/${file} declares an automation of this name. Choose another.`]
      : []
  })
}

/** Lists settings without a value in the stage local, which would stop npm start and npm test. */
async function listMissingValues(project: string, { settings }: NewAutomation): Promise<string[]> {
  if (settings.length === 0) return []
  const stateOf = await readStageParams('local', join(project, 'serverless.yml'))
  const missing = settings.filter(setting => stateOf(setting) === 'missing')
  if (missing.length === 0) return []
  return [
    `The stage local has no value for ${missing.join(', ')}, so it could not run. Write into serverless.yml, then run this command again:`,
    '',
    'params:',
    '  local:',
    ...missing.map((setting, index) => `    ${setting}: "${100_001 + index}"`),
    '',
    'and under each stage that you deploy, the id that it has there.',
  ]
}

function formatNextSteps({ name, on, watch, settings }: NewAutomation): string {
  const values =
    settings.length > 0
      ? [`  Give each stage a value for ${settings.join(', ')}: npx boxhooks automations --stage STAGE`]
      : []
  return [
    `Wrote automations/${name}.ts and test/automations/${name}.test.ts,`,
    `on ${on.join(', ')} of ${watch.map(targetText).join(', ')}.`,
    'Next:',
    '  Write run(), and its effects into the test.',
    ...values,
    `  npm test -- test/automations/${name}.test.ts   runs its test`,
    '  npm start                                      runs it against an emulated Box that has the watched item',
  ].join('\n')
}
