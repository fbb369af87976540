import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Capture, CaptureUnreadable } from '../../cli/verify/capture.ts'
import { readCaptures } from '../../cli/verify/read-captures.ts'
import { cmdWords, shellWords } from '../../cli/verify/shell-words.ts'
import { utf8 } from '../../lib/doctor/wire-json.ts'
import { ansiQuoted, caretQuoted, doubleQuoted, RENDERINGS, singleQuoted } from '../support/captured.ts'
import { type Case, genuine, keyPair, MANGLINGS, payload, wireOf } from '../support/manglings.ts'
import { runs } from '../support/seed.ts'

const noFile = (path: string): never => {
  throw new CaptureUnreadable(`no ${path}`)
}
const read = (bytes: Uint8Array): readonly Capture[] => readCaptures(bytes, { readFile: noFile })

const MANGLED = MANGLINGS.filter(({ cause }) => cause.startsWith('body_') && cause !== 'body_not_base64')

describe('a captured request', () => {
  test.each(RENDERINGS.map(one => [one.name, one] as const))(
    'is read from %s with every byte, whatever was done to its body',
    (_, { render, format, binary, timed, exact }) => {
      fc.assert(
        fc.property(
          payload,
          keyPair,
          fc.option(fc.constantFrom(...MANGLED), { nil: undefined }),
          (value, keys, mangling) => {
            const whole = genuine(wireOf(value), keys)
            const one: Case = mangling ? mangling.mangle(whole) : whole
            fc.pre(exact || !Buffer.from(one.request.body).includes('\r'))
            fc.pre(binary || utf8(one.request.body) !== undefined)
            const [capture, ...more] = read(render(one))
            expect(more).toEqual([])
            expect(capture?.format).toBe(format)
            expect(Buffer.from(capture?.body ?? []).toString('latin1')).toBe(
              Buffer.from(one.request.body).toString('latin1'),
            )
            expect(capture?.headers).toMatchObject(one.request.headers)
            if (format !== 'http') expect(capture).toMatchObject({ method: 'POST', path: '/box/webhook' })
            if (timed) expect(capture?.receivedAt).toBe(one.at)
          },
        ),
        runs(60),
      )
    },
  )
})

/** Characters that mean something to a shell, and others. */
const word = fc.string({
  unit: fc.constantFrom(...'abcXYZ019 \'"\\$`!#&|;<>()*?~%^{}[]=:/,.-+\n\t\u00e9\u00ff'),
  minLength: 1,
  maxLength: 20,
})
const quoted = fc.tuple(
  word,
  fc.constantFrom(singleQuoted, doubleQuoted, ansiQuoted, (one: string) =>
    one.replace(/[^\w\n]/g, '\\$&').replaceAll('\n', "'\n'"),
  ),
)

describe('a command is split into words', () => {
  test('that are those that were quoted, in every way there is', () => {
    fc.assert(
      fc.property(fc.array(quoted, { minLength: 1 }), words => {
        const command = words.map(([text, quote]) => quote(text)).join(' \\\n ')
        expect(shellWords(command)).toEqual(words.map(([text]) => text))
      }),
    )
  })

  test('for cmd.exe as a browser writes it', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), words => {
        expect(cmdWords(words.map(caretQuoted).join(' ^\r\n '))).toEqual(words)
      }),
    )
  })

  const hasBash = spawnSync('bash', ['-c', 'true']).status === 0
  test.skipIf(!hasBash)('as bash splits it', () => {
    const piece = fc.oneof(
      word.map(singleQuoted),
      word.map(doubleQuoted),
      fc.constantFrom(
        ...[
          "$'\\u00e9'",
          "$'\\xe9\\n\\t\\'\\\\'",
          "$'\\101\\q'",
          '"a\\b\\"\\$c"',
          'a\\ b',
          "''",
          '\\\n',
          ' ',
        ],
      ),
      fc.stringMatching(/^[a-z0-9=:/.,+-]{1,6}$/),
    )
    const commands = fc.sample(fc.array(piece, { minLength: 1, maxLength: 6 }), runs(300))
    const lines = commands.map(pieces => pieces.join(''))
    const script = lines.map(line => `printf '%s\\0' ${line}\nprintf '\\1'\n`).join('')
    const { stdout } = spawnSync('bash', [], {
      input: Buffer.from(script, 'latin1'),
      encoding: 'latin1',
      env: { LC_ALL: 'C.UTF-8', PATH: process.env.PATH ?? '' },
    })
    const told = stdout.split('\x01').slice(0, -1)
    expect(told).toHaveLength(lines.length)
    for (const [index, line] of lines.entries()) {
      // Without a word to print, printf prints an empty one.
      const words = shellWords(line) ?? []
      expect(`${(words.length > 0 ? words : ['']).join('\0')}\0`, line).toBe(told[index])
    }
  })

  test('unless a quote is open', () => {
    for (const open of ["curl 'a", 'curl "a', "curl $'a", 'curl "a\\'])
      expect(shellWords(open)).toBeUndefined()
    expect(cmdWords('curl ^"a')).toBeUndefined()
  })
})
