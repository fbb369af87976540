/** Environment variables as a process has them. */
export type Environment = Readonly<Record<string, string | undefined>>

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'config_invalid'

  constructor(problems: readonly string[]) {
    super(
      `The function's environment is not usable: ${problems.join(' ')} These variables are set by serverless.yml; deploy again, or see docs/errors.md#config_invalid.`,
    )
  }
}

/** Reads variables one by one. Each method returns a usable value also where it has noted a problem. */
export type EnvironmentReader = {
  /** Notes that something is wrong, in a sentence. */
  problem(sentence: string): void
  /** Reads text without white space around it; a problem where it is missing and has no fallback. */
  text(name: string, fallback?: string): string
  optionalText(name: string): string | undefined
  /** Reads an http(s) URL, without a slash at its end. */
  url(name: string, fallback?: string): string
  optionalUrl(name: string): string | undefined
  /** Reads an integer within bounds, which are included. */
  integer(name: string, fallback: number, bounds?: readonly [min: number, max: number]): number
  /** Reads a number from 0 to 1. */
  share(name: string, fallback: number): number
  flag(name: string): boolean
  oneOf<const W extends string>(name: string, words: readonly W[], fallback: W): W
}

/**
 * Reads a function's settings from its environment.
 * @throws ConfigError that names every variable that is missing or wrong
 */
export function readEnvironment<T>(env: Environment, build: (variable: EnvironmentReader) => T): T {
  const problems: string[] = []
  const config = build(createReader(env, problems))
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

function createReader(env: Environment, problems: string[]): EnvironmentReader {
  const problem = (sentence: string): void => void problems.push(sentence)
  const optionalText = (name: string) => env[name]?.trim() || undefined
  const text = (name: string, fallback?: string): string => {
    const value = optionalText(name) ?? fallback
    if (value === undefined) problem(`${name} is missing.`)
    return value ?? ''
  }
  const url = (name: string, fallback?: string): string => {
    const value = text(name, fallback)
    if (value && !/^https?:$/.test(URL.parse(value)?.protocol ?? ''))
      problem(`${name} must be an http(s) URL.`)
    return value.replace(/\/$/, '')
  }
  return {
    problem,
    text,
    optionalText,
    url,
    optionalUrl: name => (optionalText(name) ? url(name) : undefined),
    integer(name, fallback, bounds) {
      const [min, max] = bounds ?? [0, Number.MAX_SAFE_INTEGER]
      const value = Number(text(name, String(fallback)))
      if (!Number.isSafeInteger(value) || value < min || value > max)
        problem(`${name} must be ${bounds ? `an integer from ${min} to ${max}` : 'a non-negative integer'}.`)
      return value
    },
    share(name, fallback) {
      const value = Number(text(name, String(fallback)))
      if (!(value >= 0 && value <= 1)) problem(`${name} must be a number from 0 to 1.`)
      return value
    },
    flag(name) {
      const value = text(name, 'false')
      if (value !== 'true' && value !== 'false') problem(`${name} must be true or false.`)
      return value === 'true'
    },
    oneOf(name, words, fallback) {
      const value = text(name, fallback).toLowerCase()
      const word = words.find(known => known === value)
      if (!word) problem(`${name} must be one of ${words.join(', ')}.`)
      return word ?? fallback
    },
  }
}
