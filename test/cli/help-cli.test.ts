import { spawnSync } from 'node:child_process'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { completionScript } from '../../cli/completion.ts'
import { createProgram, everyCommand } from '../../cli/program.ts'
import manifest from '../../package.json' with { type: 'json' }
import { runCommand, testShell } from '../support/command.ts'

const program = createProgram(testShell())

/** The command lines that a help text shows as examples, as words. */
const examplesIn = (help: string): string[][] =>
  [...help.matchAll(/^ {2}\$ npx boxhooks (.*?)(?: > .*)?$/gm)].map(([, line = '']) =>
    [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
      ([, single, double, plain]) => single ?? double ?? plain ?? '',
    ),
  )

describe('the help', () => {
  test('groups the commands by what they are for, one line each', async () => {
    const { code, out, err } = await runCommand(['--help'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const groups = out.split('\n\n').flatMap(block => {
      const [heading = '', ...lines] = block.split('\n')
      return /^[A-Z][\w ]*:$/.test(heading) && heading !== 'Options:' ? [[heading, lines]] : []
    })
    expect(groups.map(([heading]) => heading)).toEqual(['Develop:', 'Set up:', 'Operate:', 'More:'])
    const names = groups.flatMap(([, lines = []]) =>
      [lines].flat().map(line => /^ {2}([a-z]+) {2,}[A-Z]/.exec(line)?.[1]),
    )
    expect(names).toEqual([...program.commands.map(command => command.name()), 'help'])
  })

  test.each(program.commands.map(command => [command.name()]))(
    'of %s has examples that are right',
    async name => {
      const { code, out } = await runCommand([name, '--help'])
      expect(code).toBe(0)
      const examples = examplesIn(out)
      expect(examples.length).toBeGreaterThan(0)
      for (const words of examples) expect(await ranBy(words)).toBe(name)
    },
  )
})

/** Reads a command line without doing what it says. @returns the name of the command below the program */
async function ranBy(words: readonly string[]): Promise<string | undefined> {
  const reading = createProgram(testShell())
  let ran: Command | undefined
  for (const command of everyCommand(reading).filter(({ commands }) => commands.length === 0))
    command.action(() => {
      ran = command.parent === reading ? command : (command.parent ?? undefined)
    })
  await reading.parseAsync([...words], { from: 'user' })
  return ran?.name()
}

test('the version is that of package.json', async () => {
  expect(await runCommand(['--version'])).toEqual({ code: 0, out: `${manifest.version}\n`, err: '' })
})

describe('a wrong command line exits 2', () => {
  test.each([
    ['without a command', []],
    ['with an unknown command', ['bogus']],
    ['with an unknown subcommand', ['dlq', 'bogus']],
    ['with an unknown option', ['events', 'list', '--bogus']],
    ['without a required argument', ['replay']],
    ['without a required option', ['new', 'archive']],
    ['with an invalid value', ['dlq', 'list', '--limit', '0']],
    ['with a value that is not a choice', ['completion', 'tcsh']],
    ['without a stage', ['why', 'file:1']],
    ['with a stage that cannot be', ['dlq', 'list', '--stage', '-']],
    ['with options that exclude each other', ['replay', 'e', '--as-test', '--dry-run', '--local']],
    ['with nothing that narrows a redrive', ['dlq', 'redrive', '--local']],
    ['without a field to update', ['webhooks', 'update', '1', '--local']],
  ])('%s', async (_, args) => {
    const { code, out, err } = await runCommand(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).not.toBe('')
    expect(err).not.toMatch(/^ {4}at /m)
  })
})

describe('the completion', () => {
  const complete = (...words: string[]): string[] => {
    const line = [
      completionScript(program, 'bash'),
      `COMP_WORDS=(${['boxhooks', ...words].map(word => `'${word}'`).join(' ')})`,
      `COMP_CWORD=${words.length}`,
      '_boxhooks && echo "${COMPREPLY[@]}"',
    ].join('\n')
    const { stdout, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' })
    expect(stderr).toBe('')
    return stdout.split(/\s/).filter(Boolean)
  }

  test.skipIf(process.platform === 'win32')('offers what can follow in bash', () => {
    expect(complete('')).toEqual(expect.arrayContaining(['start', 'dlq', 'completion', '--version']))
    expect(complete('d')).toEqual(['demo', 'doctor', 'dlq'])
    expect(complete('dlq', '')).toEqual(['list', 'show', 'redrive', 'drop', '--help'])
    expect(complete('dlq', 'redrive', '--l')).toEqual(['--local', '--limit'])
    expect(complete('dlq', 'list', '--port', '4400', '--lim')).toEqual(['--limit'])
    expect(complete('backfill', '--stream', '')).toEqual(['enterprise', 'streaming', 'user'])
    expect(complete('secrets', 'set', 'b')).toEqual(['box-app'])
    expect(complete('dlq', 'list', '--stage', '')).toEqual([])
  })

  test('has every command and option in fish, and is bash’s in zsh', () => {
    const fish = completionScript(program, 'fish')
    expect(fish).toContain(`complete -c boxhooks -n '__boxhooks_at " dlq"' -f -a redrive -d `)
    expect(fish).toContain(`'__boxhooks_at " backfill"' -l stream -x -a 'enterprise streaming user' -d `)
    expect(fish.match(/^complete /gm)?.length).toBeGreaterThan(200)
    expect(completionScript(program, 'zsh')).toContain(completionScript(program, 'bash'))
  })
})
