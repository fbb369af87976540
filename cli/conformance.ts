import { openSync, readFileSync, writeFileSync } from 'node:fs'
import { createKit, type Header } from '../conformance/delivery.ts'
import { conforms, examine, type Finding } from '../conformance/examine.ts'
import { jsonReport, junitReport, textReport } from '../conformance/report.ts'
import type { Requirement } from '../conformance/requirement.ts'
import { REQUIREMENTS } from '../conformance/requirements.ts'
import { send } from '../conformance/send.ts'
import { CommandError } from './terminal/command-error.ts'
import type { Shell, Stderr } from './terminal/shell.ts'

export type ConformanceOptions = {
  readonly primaryKeyFile?: string
  readonly secondaryKeyFile?: string
  readonly retiredKeyFile?: string
  readonly ageMax: number
  readonly skewMax: number
  readonly only?: readonly string[]
  readonly list?: boolean
  readonly json?: boolean
  readonly junit?: string
  readonly timeout: number
  readonly header?: readonly string[]
}

/** Makes the error for a receiver that can't be checked at all; exit code 1 would say that it fails. */
const unusable = (message: string): CommandError => new CommandError(message, { exitCode: 2 })

/** Runs the conformance suite against a receiver. The exit code is 0 where it conforms, 1 where not, 2 where it can't be checked. */
export async function conformance(
  shell: Shell,
  given: string | undefined,
  options: ConformanceOptions,
): Promise<void> {
  const { env, stderr } = shell
  const requirements = chosen(options.only)
  if (options.list) {
    const lines = requirements.map(({ id, level, says }) => `${id.padEnd(32)} ${level.padEnd(6)}  ${says}`)
    await shell.print(lines.join('\n'))
    return
  }
  const url = urlOf(given)
  const headers = (options.header ?? []).map(headerOf)
  const kit = createKit({
    keys: {
      primary: keyOf('primary', options.primaryKeyFile, env.BOXHOOKS_PRIMARY_KEY) ?? missingKey(),
      secondary: keyOf('secondary', options.secondaryKeyFile, env.BOXHOOKS_SECONDARY_KEY),
      retired: keyOf('retired', options.retiredKeyFile, env.BOXHOOKS_RETIRED_KEY),
    },
    now: shell.now,
    ageMaxSeconds: options.ageMax,
    skewMaxSeconds: options.skewMax,
  })
  const timeoutMs = options.timeout * 1000
  const knock = { method: 'HEAD', headers: [], body: new Uint8Array() }
  const reached = await send(url, knock, { more: headers, timeoutMs })
  if (reached.kind === 'silent')
    throw unusable(
      `${url.origin} can't be reached: ${reached.reason}. Check that the receiver runs and that the address is right.`,
    )
  const junit = options.junit === undefined ? undefined : writable(options.junit)
  const findings = await examine({
    url,
    kit,
    requirements,
    headers,
    timeoutMs,
    onFinding: progress(stderr, requirements.length),
  })
  if (stderr.isTTY) stderr.write('\r\u001b[K')
  const at = new Date(shell.now())
  // The query may hold a secret, and reports travel.
  const address = url.origin + url.pathname
  if (junit !== undefined) writeFileSync(junit, junitReport(address, at, findings))
  await shell.print(options.json ? jsonReport(address, at, findings) : textReport(findings))
  if (!conforms(findings)) shell.exitCode = 1
}

function progress(stderr: Stderr, total: number): (finding: Finding) => void {
  let done = 0
  return ({ requirement }) => {
    done += 1
    if (stderr.isTTY) stderr.write(`\r\u001b[K${done}/${total} ${requirement.id}`)
  }
}

function chosen(only: readonly string[] | undefined): readonly Requirement[] {
  if (!only) return REQUIREMENTS
  for (const name of only)
    if (!REQUIREMENTS.some(({ id }) => isOf(id, name)))
      throw unusable(`There is no requirement or group ${JSON.stringify(name)}. --list shows all of them.`)
  return REQUIREMENTS.filter(({ id }) => only.some(name => isOf(id, name)))
}

const isOf = (id: string, name: string): boolean => id === name || id.startsWith(`${name}.`)

function urlOf(address: string | undefined): URL {
  const url = URL.parse(address ?? '')
  if (url?.username || url?.password)
    throw unusable('Leave user and password out of the address; send them to a gateway with --header.')
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw unusable('Give the receiver’s address, such as https://example.com/box/webhook.')
}

/** Opens a file for the report before the run, which is too long to fail at its end. */
function writable(file: string): number {
  try {
    return openSync(file, 'w')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'unknown'
    throw unusable(`The report can't be written to ${file} (${code}).`)
  }
}

function headerOf(text: string): Header {
  const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):\s*([\t\u0020-\u007e]*)$/.exec(text) ?? []
  if (name && value !== undefined) return [name, value]
  throw unusable('A --header must have the form "Name: value".')
}

/** Keys come from a file or the environment: every process can see a command line. */
function keyOf(which: string, file: string | undefined, given: string | undefined): string | undefined {
  if (file === undefined) return given?.trim() || undefined
  const key = readKey(which, file).trim()
  if (key) return key
  throw unusable(`The file of the ${which} key is empty.`)
}

function readKey(which: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'unknown'
    throw unusable(`The file of the ${which} key can't be read (${code}): ${file}`)
  }
}

function missingKey(): never {
  throw unusable(
    'The receiver’s primary signature key is missing. Put it into a file and name that with --primary-key-file, or into the variable BOXHOOKS_PRIMARY_KEY.',
  )
}
