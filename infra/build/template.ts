import { isObject } from '../../lib/base/json.ts'

/** A compiled CloudFormation template, as far as boxhooks reads it. */
export type CompiledTemplate = {
  readonly Resources: Readonly<Record<string, TemplateResource>>
  readonly Outputs: Readonly<Record<string, unknown>>
}

export type TemplateResource = {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
  readonly DeletionPolicy?: unknown
  readonly UpdateReplacePolicy?: unknown
  readonly DependsOn?: unknown
}

/** Reads a template's JSON. Throws where it is none. */
export function parseTemplate(json: string): CompiledTemplate {
  const template: unknown = JSON.parse(json)
  const resources = isObject(template) ? template.Resources : undefined
  if (!isObject(template) || !isObject(resources)) throw new TypeError('This is no CloudFormation template.')
  return {
    Resources: Object.fromEntries(Object.entries(resources).map(([id, raw]) => [id, resourceOf(id, raw)])),
    Outputs: isObject(template.Outputs) ? template.Outputs : {},
  }
}

function resourceOf(id: string, raw: unknown): TemplateResource {
  if (!isObject(raw) || typeof raw.Type !== 'string') throw new TypeError(`Resource ${id} has no Type.`)
  const { Type, Properties, ...rest } = raw
  return { ...rest, Type: String(Type), Properties: isObject(Properties) ? Properties : {} }
}

/** The resource with this logical id. Throws where the template has none. */
export function resource(template: CompiledTemplate, id: string): TemplateResource {
  const found = template.Resources[id]
  if (!found) throw new TypeError(`The template has no resource ${id}.`)
  return found
}

/**
 * A function's environment with each `Ref` replaced by what it stands for outside AWS.
 * @param refs logical id → value
 * @param given variables that are not the template's
 * @throws TypeError where a variable refers to something that is not in refs, and is not given
 */
export function environmentOf(
  template: CompiledTemplate,
  functionId: string,
  refs: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const { Environment } = resource(template, functionId).Properties
  const variables = isObject(Environment) && isObject(Environment.Variables) ? Environment.Variables : {}
  const own = Object.entries(variables)
    .filter(([name]) => !Object.hasOwn(given, name))
    .map(([name, value]) => {
      if (typeof value === 'string') return [name, value]
      const ref = isObject(value) && typeof value.Ref === 'string' ? refs[value.Ref] : undefined
      if (ref === undefined)
        throw new TypeError(`${functionId}'s ${name} refers to something that is not known here.`)
      return [name, ref]
    })
  return { ...Object.fromEntries(own), ...given }
}

/** A whole number among a resource's properties. Throws where there is none by that name. */
export function numberOf(template: CompiledTemplate, id: string, property: string): number {
  const value = resource(template, id).Properties[property]
  if (typeof value !== 'number') throw new TypeError(`${id} has no number ${property}.`)
  return value
}
