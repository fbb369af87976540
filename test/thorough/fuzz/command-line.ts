import assert from 'node:assert/strict'
import { type Command, CommanderError } from 'commander'
import fc from 'fast-check'
import { createProgram, everyCommand } from '../../../cli/program.ts'
import { processShell } from '../../../cli/terminal/shell.ts'
import { anyCharacter } from '../../support/any-character.ts'
import { asyncBoundary } from './boundary.ts'

const program = createProgram(processShell())
const leaves = everyCommand(program).filter(({ commands: within }) => within.length === 0)

const commands = everyCommand(program).flatMap(command => (command === program ? [] : [command.name()]))
const flags = everyCommand(program).flatMap(({ options }) =>
  options.flatMap(({ short, long }) => [short, long].filter(flag => flag !== undefined)),
)

/** The words that lead to a command. */
const pathOf = (command: Command): string[] =>
  command.parent ? [...pathOf(command.parent), command.name()] : []

const word = fc.oneof(
  fc.constantFrom(...commands, ...flags, '--help', '-h', 'help', '--', '-', '--no-port', '--version'),
  fc.constantFrom(
    '0',
    '4400',
    '65535',
    '65536',
    '-1',
    '1e3',
    '0x10',
    ' 80',
    '',
    '٣',
    '__proto__',
    'constructor',
  ),
  fc.tuple(fc.constantFrom(...flags), fc.string()).map(([flag, value]) => `${flag}=${value}`),
  fc.string({ unit: anyCharacter, maxLength: 12 }),
)
const line = fc.record({
  words: fc.oneof(
    fc.array(word, { maxLength: 5 }),
    fc
      .tuple(fc.constantFrom(...leaves), fc.array(word, { maxLength: 4 }))
      .map(([command, rest]) => [...pathOf(command), ...rest]),
  ),
  portVariable: fc.option(fc.constantFrom('4401', '', 'http', '99999', ' ', '-0'), { nil: undefined }),
})

type Parsed = { readonly exitCode: number; readonly told: string; readonly ran: readonly Command[] }

/** Reads a command line as cli/program.ts does, without doing what it says. */
async function parsed(words: readonly string[], portVariable: string | undefined): Promise<Parsed> {
  const ran: Command[] = []
  let told = ''
  const write = (text: string) => {
    told += text
  }
  for (const command of everyCommand(program))
    command.exitOverride().configureOutput({ writeOut: write, writeErr: write })
  for (const command of leaves) command.action(() => void ran.push(command))
  const { PORT } = process.env
  if (portVariable === undefined) delete process.env.PORT
  else process.env.PORT = portVariable
  try {
    await program.parseAsync(words, { from: 'user' })
    return { exitCode: 0, told, ran }
  } catch (error) {
    assert.ok(
      error instanceof CommanderError,
      `a wrong command line is told of as such, not as ${String(error)}`,
    )
    return { exitCode: error.exitCode, told, ran }
  } finally {
    if (PORT === undefined) delete process.env.PORT
    else process.env.PORT = PORT
  }
}

/** Any words: a command runs with options of the right form, or help or the mistake is shown, without a stack trace. */
export const commandLines = asyncBoundary(
  'command-lines',
  { weight: 3, quickCases: 500 },
  line,
  async one => {
    const { exitCode, told, ran } = await parsed(one.words, one.portVariable)
    assert.doesNotMatch(told, /^ {4}at /m, 'no stack trace')
    if (ran.length === 0) {
      assert.match(told, /Usage: |error: |^\d+\.\d+\.\d+\n$/)
      return
    }
    assert.equal(exitCode, 0)
    assert.equal(told, '')
    const { port } = ran[0]?.opts() ?? {}
    if (port !== undefined)
      assert.ok(Number.isInteger(port) && port >= 0 && port <= 65_535 && !Object.is(port, -0))
  },
)
