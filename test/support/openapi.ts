import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../infra/build/bundle.ts'
import { isObject } from '../../lib/base/json.ts'

/** Box's published description of its API, as far as checking webhooks needs it. It is Box's and not in this repository. */
export type OpenApi = {
  /**
   * Says what is wrong with a request.
   * @param path below /2.0, such as `/webhooks/123`
   */
  requestProblems(method: string, path: string, query: URLSearchParams, body: unknown): string[]
  /** Says what is wrong with an answer. */
  answerProblems(method: string, path: string, status: number, body: unknown): string[]
  /** The triggers that a webhook can be created with. */
  triggers(): readonly string[]
}

type Schema = Readonly<Record<string, unknown>>

/** Reads the description from BOX_OPENAPI, or from beside the repository; undefined, with a line, where it is not at hand. */
export function boxOpenApi(): OpenApi | undefined {
  const file = process.env.BOX_OPENAPI || join(ROOT, '..', 'shared', 'box-openapi.json')
  if (!existsSync(file)) {
    console.log(
      'Skipped: requests are not checked against Box’s OpenAPI description. Set BOX_OPENAPI to its file.',
    )
    return undefined
  }
  const root: unknown = JSON.parse(readFileSync(file, 'utf8'))
  const at = (...path: readonly string[]): Schema => {
    const found = path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), root)
    if (!isObject(found)) throw new Error(`Box's description has no ${path.join(' ')}.`)
    return found
  }
  const resolve = (schema: Schema): Schema =>
    typeof schema.$ref === 'string' ? at(...schema.$ref.split('/').slice(1)) : schema
  const problems = (value: unknown, schema: Schema, where: string) =>
    problemsOf(value, resolve(schema), where, resolve)
  const templates = Object.keys(at('paths'))
  const operation = (method: string, path: string): Schema =>
    at('paths', templateOf(path, templates), method.toLowerCase())
  const bodySchema = (holder: unknown): Schema | undefined => {
    const contents = isObject(holder) && isObject(holder.content) ? holder.content : {}
    const content = contents['application/json'] ?? contents['application/json-patch+json']
    return isObject(content) && isObject(content.schema) ? content.schema : undefined
  }
  return {
    requestProblems(method, path, query, body) {
      const { parameters, requestBody } = operation(method, path)
      const known = (Array.isArray(parameters) ? parameters : []).filter(isObject)
      const unknown = [...query.keys()].filter(name => !known.some(one => one.name === name))
      const inQuery = known.flatMap(({ name, schema }) => {
        const value = query.get(String(name))
        if (value === null || !isObject(schema)) return []
        return problems(fromQuery(value, schema.type), schema, `query.${name}`)
      })
      const schema = bodySchema(requestBody)
      const inBody = schema
        ? problems(body, schema, 'body')
        : body === undefined
          ? []
          : ['body: none is taken']
      return [...unknown.map(name => `query.${name}: is not known`), ...inQuery, ...inBody]
    },
    answerProblems(method, path, status, body) {
      const { responses } = operation(method, path)
      const documented = isObject(responses) ? (responses[String(status)] ?? responses.default) : undefined
      if (!isObject(documented)) return [`status ${status}: is not documented`]
      const schema = bodySchema(documented)
      return schema ? problems(body, schema, 'answer') : []
    },
    triggers() {
      const { enum: names } = at(
        ...['paths', '/webhooks', 'post', 'requestBody', 'content', 'application/json', 'schema'],
        ...['properties', 'triggers', 'items'],
      )
      return Array.isArray(names) ? names.map(String) : []
    },
  }
}

function fromQuery(value: string, type: unknown): unknown {
  if (type === 'integer') return Number(value)
  if (type === 'boolean') return value === 'true'
  return type === 'array' ? value.split(',') : value
}

/** The description's path for a path, with as few parameters as there can be; variants of one path are left out. */
function templateOf(path: string, templates: readonly string[]): string {
  const parameters = (template: string) => template.split('{').length
  const [found] = templates
    .filter(template => new RegExp(`^${template.replaceAll(/\{[^}]*\}/g, '[^/]+')}$`).test(path))
    .sort((a, b) => parameters(a) - parameters(b))
  return found ?? path
}

/** Checks required fields, types, enumerations and unknown fields; formats and the like are left out. */
function problemsOf(
  value: unknown,
  schema: Schema,
  where: string,
  resolve: (schema: Schema) => Schema,
): string[] {
  if (value === null && schema.nullable === true) return []
  const flatSchema = flat(schema, resolve)
  const { allOf, type, properties, required, items, enum: names, maximum } = flatSchema
  if (type !== undefined && !isOfType(value, type)) return [`${where}: is no ${String(type)}`]
  if (Array.isArray(allOf)) return [`${where}: the description is not understood`]
  const problems: string[] = []
  if (Array.isArray(names) && !names.includes(value)) problems.push(`${where}: is none of the allowed values`)
  if (typeof maximum === 'number' && Number(value) > maximum) problems.push(`${where}: is above ${maximum}`)
  if (Array.isArray(value) && isObject(items))
    value.forEach((one, index) => {
      problems.push(...problemsOf(one, resolve(items), `${where}[${index}]`, resolve))
    })
  if (!isObject(value) || !isObject(properties)) return problems
  for (const field of Array.isArray(required) ? required : [])
    if (value[String(field)] === undefined) problems.push(`${where}.${field}: is required`)
  for (const [field, one] of Object.entries(value)) {
    const { [field]: known } = properties
    if (!isObject(known) && flatSchema.additionalProperties) continue
    if (!isObject(known)) problems.push(`${where}.${field}: is not known`)
    else problems.push(...problemsOf(one, resolve(known), `${where}.${field}`, resolve))
  }
  return problems
}

/** A schema with what it is composed of laid together. */
function flat(schema: Schema, resolve: (schema: Schema) => Schema): Schema {
  if (!Array.isArray(schema.allOf)) return schema
  const parts = schema.allOf.filter(isObject).map(part => flat(resolve(part), resolve))
  const { allOf: _, ...own } = schema
  const properties = Object.assign({}, ...parts.map(part => part.properties), own.properties)
  const required = [...parts, own].flatMap(part => (Array.isArray(part.required) ? part.required : []))
  return Object.assign({}, ...parts, own, { properties, required })
}

function isOfType(value: unknown, type: unknown): boolean {
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isObject(value)
  if (type === 'integer') return Number.isSafeInteger(value)
  return typeof value === type
}
