import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { parse, stringify } from 'yaml'
import { isObject, parseObject } from '../../lib/base/json.ts'

/** What a clone's code and a stage's functions are told apart by. */
export type Version = {
  /** That of package.json. */
  readonly release: string
  /** A digest of all that the functions' code is made from. */
  readonly code: string
  /** A digest of all that the stack is made from, without the params of stages. */
  readonly stack: string
}

const CODE = { folders: ['lib', 'functions'], files: ['package-lock.json'] }
const AUTOMATIONS = { folders: ['automations'], files: [] }
const STACK = { folders: ['infra'], files: [] }

/**
 * Works out the version of what lies in a clone, from its sources: the bundles themselves differ with the folder that they are
 * built in. So a comment that changes is another version, too.
 * @param root the folder of boxhooks
 * @param project the folder that holds serverless.yml and automations/
 */
export async function versionOf(root: string, project: string): Promise<Version> {
  const isCode = (name: string) => name.endsWith('.ts') && !name.endsWith('.test.ts')
  const [release, code, automations, stack] = await Promise.all([
    releaseOf(root),
    filesOf(root, CODE, isCode),
    filesOf(project, AUTOMATIONS, isCode),
    filesOf(root, STACK, name => /\.(yml|cjs)$/.test(name)),
  ])
  return {
    release,
    code: digest([...code, ...automations]),
    stack: digest([...stack, ['serverless.yml', await serviceOf(project)]]),
  }
}

/** A version as the functions' variable BOXHOOKS_VERSION has it, in the form of semver's build metadata. */
export const versionText = ({ release, code, stack }: Version): string =>
  `${release}+code.${code}.stack.${stack}`

/** Reads what {@link versionText} has written; undefined where it is nothing of the kind. */
export function parseVersion(text: string | null | undefined): Version | undefined {
  const [, release, code, stack] =
    /^([\w.-]{1,40})\+code\.([0-9a-f]{12})\.stack\.([0-9a-f]{12})$/.exec(text ?? '') ?? []
  return release && code && stack ? { release, code, stack } : undefined
}

type NamedText = readonly [name: string, text: string]

async function filesOf(
  root: string,
  { folders, files }: { readonly folders: readonly string[]; readonly files: readonly string[] },
  counts: (name: string) => boolean,
): Promise<NamedText[]> {
  const inFolders = await Promise.all(
    folders.map(async folder => {
      const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return []
          throw error
        },
      )
      return entries
        .filter(entry => entry.isFile() && counts(entry.name))
        .map(({ parentPath, name }) => relative(root, join(parentPath, name)))
    }),
  )
  const names = [...inFolders.flat(), ...files].map(name => name.split(sep).join('/')).sort()
  return Promise.all(names.map(async (name): Promise<NamedText> => [name, await readText(root, name)]))
}

/** Git may write other line ends on another system. */
const readText = async (root: string, name: string): Promise<string> =>
  (await readFile(join(root, name), 'utf8')).replaceAll('\r\n', '\n')

const releaseOf = async (root: string): Promise<string> =>
  String(parseObject(await readText(root, 'package.json'))?.version ?? '0.0.0')

/** serverless.yml without the params, which are each stage's own. */
async function serviceOf(root: string): Promise<string> {
  const service: unknown = parse(await readText(root, 'serverless.yml'), { logLevel: 'error', merge: true })
  if (!isObject(service)) return ''
  const { params: _params, ...rest } = service
  return stringify(rest)
}

function digest(files: readonly NamedText[]): string {
  const hash = createHash('sha256')
  for (const [name, text] of files) hash.update(`${name}\0${text.length}\0${text}`)
  return hash.digest('hex').slice(0, 12)
}
