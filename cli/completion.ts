import type { Command } from 'commander'
import { CommandError } from './terminal/command-error.ts'

/** The shells that there is a completion script for. */
export const COMPLETION_SHELLS = ['bash', 'zsh', 'fish'] as const

/** What can follow the words that lead to a command. */
type Level = {
  /** The words, each after a space: ` dlq list`. */
  readonly path: string
  readonly words: readonly { readonly word: string; readonly description: string }[]
  /** Options that take a value, with the values to choose from; none where any will do. */
  readonly valued: readonly { readonly flag: string; readonly choices: readonly string[] }[]
}

/**
 * Makes the script that lets a shell complete a program's commands, options and fixed values.
 * @param shell one of {@link COMPLETION_SHELLS}
 * @throws CommandError where there is no script for the shell
 */
export function completionScript(program: Command, shell: string): string {
  const levels = levelsOf(program)
  if (shell === 'fish') return fishScript(program.name(), levels)
  if (shell === 'bash') return bashScript(program.name(), levels)
  if (shell === 'zsh')
    return `autoload -U +X bashcompinit && bashcompinit\n${bashScript(program.name(), levels)}`
  throw new CommandError(`There is no completion for ${shell}, only for ${COMPLETION_SHELLS.join(', ')}.`)
}

function levelsOf(command: Command, path = ''): Level[] {
  const options = command.createHelp().visibleOptions(command)
  const choices = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices)
  const words = [
    ...command.commands.map(one => ({ word: one.name(), description: one.description() })),
    ...choices.map(word => ({ word, description: '' })),
    ...options.map(({ long, description }) => ({ word: long ?? '', description })),
  ]
  const valued = options.flatMap(({ required, short, long, argChoices = [] }) =>
    [short, long].flatMap(flag => (required && flag ? [{ flag, choices: argChoices }] : [])),
  )
  return [{ path, words, valued }, ...command.commands.flatMap(one => levelsOf(one, `${path} ${one.name()}`))]
}

const caseOf = (pattern: string, words: readonly string[]): string =>
  `    "${pattern}") words="${words.join(' ')}" ;;`

const bashScript = (name: string, levels: readonly Level[]): string => `_${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" at="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at $word" in ${levels.flatMap(({ path }) => (path ? [`"${path}"`] : [])).join('|')}) at="$at $word" ;; esac
  done
  case "$at $previous" in
${levels.flatMap(({ path, valued }) => valued.map(({ flag, choices }) => caseOf(`${path} ${flag}`, choices))).join('\n')}
    *) case "$at" in
${levels
  .map(({ path, words }) =>
    caseOf(
      path,
      words.map(({ word }) => word),
    ),
  )
  .join('\n')}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${name} ${name}`

const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`

const fishScript = (name: string, levels: readonly Level[]): string => `function __${name}_at
  set -l at ""
  for word in (commandline -opc)[2..]
    contains -- "$at $word" ${levels.flatMap(({ path }) => (path ? [quoted(path)] : [])).join(' ')}
    and set at "$at $word"
  end
  test "$at" = "$argv[1]"
end
${levels.flatMap(level => fishLines(name, level)).join('\n')}`

const fishLines = (name: string, { path, words, valued }: Level): string[] =>
  words.map(({ word, description }) => {
    const value = valued.find(({ flag }) => flag === word)
    const flag = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${word}`
    const choices = value
      ? value.choices.length > 0
        ? ` -x -a ${quoted(value.choices.join(' '))}`
        : ' -r'
      : ''
    return `complete -c ${name} -n ${quoted(`__${name}_at "${path}"`)} ${flag}${choices} -d ${quoted(description)}`
  })
