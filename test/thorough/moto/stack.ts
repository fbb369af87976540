import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Packaged } from '../../../infra/build/package.ts'
import type { CompiledTemplate } from '../../../infra/build/template.ts'
import { isObject } from '../../../lib/base/json.ts'

/** What moto 5.2 can't make from a template; those it leaves out without a word. */
const UNKNOWN_TO_MOTO: ReadonlySet<string> = new Set([
  'AWS::ApiGatewayV2::Api',
  'AWS::ApiGatewayV2::Integration',
  'AWS::ApiGatewayV2::Route',
  'AWS::ApiGatewayV2::Stage',
  'AWS::CloudWatch::Alarm',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::S3::BucketPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::SecretsManager::Secret',
])

export const REGION = 'eu-central-1'

/** A function as moto's Lambda has it. */
type DeployedFunction = {
  /** Such as `dist/ingest/index.handler`. */
  readonly handler: string
  readonly timeoutMs: number
  readonly memoryMb: number
  readonly env: Readonly<Record<string, string>>
}

/** The stack in moto. */
export type MotoStack = {
  /** Logical id → physical id, of everything that was made. */
  readonly resources: Readonly<Record<string, string>>
  /** The logical ids of what moto can't make. */
  readonly leftOut: readonly string[]
  function(logicalId: string): Promise<DeployedFunction>
}

/**
 * Deploys a packaged stage as osls does: first the stack with the bucket alone, then the artifacts, then the rest.
 * osls itself stops at moto, whose ValidateTemplate takes cfn-lint's warnings for errors.
 * @throws Error where CloudFormation refuses, or something is missing that moto can make
 */
export async function createStack(endpoint: string, packaged: Packaged): Promise<MotoStack> {
  const { template, folder, stage } = packaged
  const StackName = `boxhooks-${stage}`
  const templateFile = (name: string) =>
    readFile(join(folder, `cloudformation-template-${name}.json`), 'utf8')
  await cloudFormation(endpoint, 'CreateStack', {
    StackName,
    TemplateBody: await templateFile('create-stack'),
  })
  const { ServerlessDeploymentBucket: bucket } = await resourcesOf(endpoint, StackName)
  for (const { key, file } of artifacts(template))
    await call(endpoint, 's3', `/${bucket}/${key}`, {
      method: 'PUT',
      body: await readFile(join(folder, file)),
    })
  await cloudFormation(endpoint, 'UpdateStack', {
    StackName,
    TemplateBody: withSecretNames(await templateFile('update-stack'), template),
  })

  const resources = await resourcesOf(endpoint, StackName)
  const absent = Object.keys(template.Resources).filter(id => resources[id] === undefined)
  const type = (id: string) => template.Resources[id]?.Type ?? ''
  const missing = absent.filter(id => !UNKNOWN_TO_MOTO.has(type(id)))
  if (missing.length > 0)
    throw new Error(`moto did not make ${missing.map(id => `${id} (${type(id)})`).join(', ')}.`)
  return {
    resources,
    leftOut: absent,
    function: logicalId => functionOf(endpoint, resources[logicalId] ?? logicalId),
  }
}

/** moto makes no secrets, so the outputs tell of those that are made beside the stack, by their names. */
function withSecretNames(text: string, { Resources }: CompiledTemplate): string {
  const template: unknown = JSON.parse(text)
  const outputs = isObject(template) && isObject(template.Outputs) ? template.Outputs : {}
  for (const output of Object.values(outputs)) {
    const id = isObject(output) && isObject(output.Value) ? output.Value.Ref : undefined
    if (typeof id !== 'string' || Resources[id]?.Type !== 'AWS::SecretsManager::Secret') continue
    Object.assign(output ?? {}, { Value: id })
  }
  return JSON.stringify(template)
}

/** Where the template expects each function's code, and the file that holds it. */
function artifacts(template: CompiledTemplate): { key: string; file: string }[] {
  return Object.values(template.Resources).flatMap(({ Type, Properties: { Code } }) => {
    if (Type !== 'AWS::Lambda::Function' || !isObject(Code)) return []
    const key = String(Code.S3Key)
    return [{ key, file: key.slice(key.lastIndexOf('/') + 1) }]
  })
}

async function functionOf(endpoint: string, name: string): Promise<DeployedFunction> {
  const text = await call(endpoint, 'lambda', `/2015-03-31/functions/${name}/configuration`, {})
  const { Handler, Timeout, MemorySize, Environment } = JSON.parse(text)
  return {
    handler: String(Handler),
    timeoutMs: Number(Timeout) * 1000,
    memoryMb: Number(MemorySize),
    env: Environment.Variables,
  }
}

/** What CloudFormation says it has made, from the XML it answers with. */
async function resourcesOf(endpoint: string, StackName: string): Promise<Record<string, string>> {
  const xml = await cloudFormation(endpoint, 'DescribeStackResources', { StackName })
  const members = xml.split('<LogicalResourceId>').slice(1)
  return Object.fromEntries(
    members.map(member => [
      member.slice(0, member.indexOf('<')),
      member.match(/<PhysicalResourceId>([^<]*)</)?.[1] ?? '',
    ]),
  )
}

const cloudFormation = (endpoint: string, Action: string, parameters: Record<string, string>) =>
  call(endpoint, 'cloudformation', '/', {
    method: 'POST',
    body: new URLSearchParams({
      Action,
      Version: '2010-05-15',
      'Capabilities.member.1': 'CAPABILITY_NAMED_IAM',
      ...parameters,
    }),
  })

/** moto checks no signatures, but learns from them which service is meant. */
async function call(endpoint: string, service: string, path: string, init: RequestInit): Promise<string> {
  const credential = `test/20260101/${REGION}/${service}/aws4_request`
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=0`
  const response = await fetch(new URL(path, endpoint), { ...init, headers: { authorization } })
  const text = await response.text()
  if (!response.ok) throw new Error(`${service} ${path} was answered with ${response.status}: ${text}`)
  return text
}
