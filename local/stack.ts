import { randomBytes, randomUUID } from 'node:crypto'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FUNCTIONS, type FunctionName, ROOT } from '../infra/build/bundle.ts'
import type { ManifestEntry } from '../infra/build/manifest.ts'
import { type Packaged, packageStage } from '../infra/build/package.ts'
import { type CompiledTemplate, environmentOf, numberOf, resource } from '../infra/build/template.ts'
import { FileNotWritten } from '../infra/build/write-file.ts'
import { systemClock } from '../lib/base/clock.ts'
import { AGE_MAX_SECONDS, type SignatureKeys } from '../lib/ingest/signature.ts'
import { parseKeys } from '../lib/ingest/signature-keys.ts'
import { createLedger, type Ledger } from '../lib/ledger/ledger.ts'
import { createDeadLetters } from '../lib/operations/dead-letters.ts'
import { createQueue } from '../lib/queue/queue.ts'
import type { ReconcileReport } from '../lib/webhooks/reconcile.ts'
import { isWebhookAnswer } from '../lib/webhooks/webhook-request.ts'
import { type Aws, startAws } from './aws/aws.ts'
import { createCloudWatchLogs } from './aws/cloudwatch-logs.ts'
import { startSecrets } from './aws/secrets.ts'
import { createEmulatedBox, type EmulatedBox, type EmulatedBoxOptions } from './box/emulated-box.ts'
import { heard, localSource } from './inspector/sources/local-source.ts'
import { createJournal, type Journal } from './journal.ts'
import { createGateway } from './runtime/gateway.ts'
import { createLambda, type Lambda } from './runtime/lambda.ts'
import { ownFolder } from './runtime/own-folder.ts'
import { eventSourceOf, type Poller, startPoller } from './runtime/poller.ts'
import { createSite, type Site } from './runtime/site.ts'
import { addWatchedItems, seed } from './seed.ts'
import { serve } from './serve.ts'
import { checkSettings } from './settings.ts'

export type StackOptions = {
  /** 4400 by default; 0 takes any that is free. */
  readonly port?: number
  readonly keys?: SignatureKeys
  /** What the secret of the Box app holds; credentials that the emulated Box takes by default. */
  readonly boxApp?: string
  /** Where AWS is emulated instead of in embedded servers, such as http://127.0.0.1:5000. */
  readonly awsEndpoint?: string | undefined
  /** How many events the page remembers; 5000 by default. */
  readonly eventsMax?: number
  /** Seconds between the attempts of a delivery; see RETRY_CURVES. */
  readonly retrySeconds?: readonly number[]
  /** The folder that holds serverless.yml and automations/; boxhooks' own by default. */
  readonly project?: string
  /** The folder that the page saves fixtures in; the project's test/fixtures/deliveries by default. */
  readonly fixtures?: string
  /** The stage local, where it is packaged already. */
  readonly packaged?: Packaged
  /** What of the emulated Box is to be otherwise: its clock, for instance, or how it delivers. */
  readonly box?: Partial<Pick<EmulatedBoxOptions, 'clock' | 'fetch'>>
  /** What ingest's environment has besides the template's. */
  readonly ingestEnv?: Readonly<Record<string, string>>
  /** Told what became of the webhooks, at the start and whenever other automations take over. */
  readonly onReport?: (report: ReconcileReport) => void
  /** Told what the stack does, a line each. */
  readonly onLine?: (line: string) => void
}

/** The whole of boxhooks on this machine. */
export type Stack = {
  readonly url: string
  readonly webhookUrl: string
  readonly keys: SignatureKeys
  /** The tokens of V1 callbacks, which are taken where the stage's params say so. */
  readonly v1Tokens: Required<SignatureKeys>
  /** The address of V1 webhooks, with a token; undefined where the stage takes no V1 callbacks. */
  readonly v1Url: string | undefined
  readonly box: EmulatedBox
  readonly aws: Aws
  readonly ledger: Ledger
  readonly journal: Journal
  readonly lambdas: Readonly<Record<FunctionName, Lambda>>
  readonly manifest: readonly ManifestEntry[]
  /** The environment of automate, with the stage's settings. */
  readonly env: Readonly<Record<string, string>>
  /** Lets other bundles take over, and makes the webhooks that their automations declare. */
  replace(bundles: string, manifest: readonly ManifestEntry[]): Promise<void>
  stop(): Promise<void>
}

/** Where AWS would start a Lambda for each of many deliveries at a time, this machine works on a few and lets the rest wait. */
const INGEST_INSTANCES_MAX = 8

const FIXTURES = 'test/fixtures/deliveries'

const BOX_APP = { clientId: 'local-client', clientSecret: 'local-secret', enterpriseId: '1' }

/**
 * Starts everything on one origin: ingest, the emulated Box and the page. The functions are the bundles that
 * Lambda gets, and the queues and the table are those of the compiled template.
 * @throws PortTaken, PackageError, FileNotWritten, ManifestError, ExpectedError, AwsEndpointFailed, each with what to do
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { onLine = () => {} } = options
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  try {
    // The port first: that it is taken should not take seconds to learn.
    let site: Site = () => new Response('The stack is starting.', { status: 503 })
    const served = await serve({ fetch: request => site(request), port: options.port ?? 4400 })
    const { url } = served
    stops.push(() => served.close())

    const { project = ROOT } = options
    const packaged = options.packaged ?? (await packageStage({ stage: 'local', project }))
    const { template, manifest } = packaged
    const bundles = await ownBundles(packaged.project)
    stops.push(() => rm(bundles, { recursive: true, force: true }))
    const aws = await startAws(template, options.awsEndpoint)
    stops.push(() => aws.stop())
    const keys = options.keys ?? { primary: randomKey(), secondary: randomKey() }
    const v1Tokens = { primary: randomKey(), secondary: randomKey() }
    let ourKeys = keys
    const secrets = await startSecrets(
      {
        SignatureKeysSecret: JSON.stringify(keys),
        BoxAppSecret: options.boxApp ?? JSON.stringify(BOX_APP),
        V1Secret: JSON.stringify(v1Tokens),
      },
      aws.env,
      options.awsEndpoint,
      (id, value) => {
        if (id === 'SignatureKeysSecret') ourKeys = parseKeys(value)
      },
    )
    stops.push(() => secrets.stop())
    const logs = createCloudWatchLogs(systemClock.now)
    const logsServer = await serve({ fetch: logs.fetch, port: 0 })
    stops.push(() => logsServer.close())
    const env = {
      ...aws.env,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
      AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logsServer.url,
    }

    const ledger = createLedger({ dynamodb: aws.dynamodb, table: aws.table, now: systemClock.now })
    const journal = createJournal({
      ...(options.eventsMax === undefined ? {} : { eventsMax: options.eventsMax }),
      ledgerStatus: async eventId => (await ledger.read(eventId))?.status,
    })
    const box = createEmulatedBox({
      clock: systemClock,
      newId: randomUUID,
      keys,
      fetch: request => fetch(request),
      ...(options.retrySeconds ? { retrySeconds: options.retrySeconds } : {}),
      onAttempt: attempt => journal.attempt(attempt),
      ...options.box,
    })
    stops.push(() => box.close())

    const refs = {
      Queue: aws.queueUrl,
      DeadLetterQueue: aws.deadLetterQueueUrl,
      ReconcileQueue: aws.reconcileQueueUrl,
      LedgerTable: aws.table,
      ...secrets.ids,
    }
    const lambda = (
      name: FunctionName,
      functionId: string,
      more: Record<string, string>,
      instancesMax?: number,
    ): Lambda => {
      const functionName = String(resource(template, functionId).Properties.FunctionName)
      const group = `/aws/lambda/${functionName}`
      logs.create(group)
      const started = createLambda({
        name,
        bundle: join(bundles, name, 'index.mjs'),
        timeoutMs: numberOf(template, functionId, 'Timeout') * 1000,
        memoryMb: numberOf(template, functionId, 'MemorySize'),
        ...(instancesMax === undefined ? {} : { instancesMax }),
        env: {
          ...environmentOf(template, functionId, refs, more),
          ...env,
        },
        onLine: line => {
          logs.append(group, line)
          const logged = journal.line(name, line)
          // What belongs to an event is on the page; the rest would be nowhere.
          if (!logged || (logged.level === 'error' && logged.eventId === undefined))
            onLine(`${name}: ${line}`)
        },
      })
      stops.push(() => started.close())
      functions.set(functionName, started)
      return started
    }
    const functions = new Map<string, Lambda>()

    const ingest = lambda('ingest', 'IngestLambdaFunction', { ...options.ingestEnv }, INGEST_INSTANCES_MAX)
    const { SIGNATURE_AGE_MAX_SECONDS: ageMax = AGE_MAX_SECONDS } = {
      ...environmentOf(template, 'IngestLambdaFunction', refs),
      ...options.ingestEnv,
    }
    const gateway = createGateway({
      invoke: event => ingest.invoke(event),
      now: systemClock.now,
      onAnswer: answer => journal.answer(...heard(answer, ourKeys, v1Tokens, Number(ageMax))),
    })
    const webhookUrl = `${url}/box/webhook`
    // The page shows where an error was thrown, and what automations say when they debug.
    const automate = lambda('automate', 'AutomateLambdaFunction', { BOX_API_URL: url, LOG_LEVEL: 'debug' })
    const reconcile = lambda('reconcile', 'ReconcileLambdaFunction', {
      BOX_API_URL: url,
      WEBHOOK_ADDRESS: webhookUrl,
    })
    const backfill = lambda('backfill', 'BackfillLambdaFunction', { BOX_API_URL: url })
    const poll = (name: 'automate' | 'reconcile', queueUrl: string, queueArn: string, to: Lambda): Poller => {
      const poller = startPoller({
        sqs: aws.sqs,
        queueUrl,
        queueArn,
        ...eventSourceOf(template, name),
        invoke: event => to.invoke(event),
        onError: error =>
          onLine(`The queue can't be reached: ${error instanceof Error ? error.message : error}`),
      })
      stops.push(() => poller.stop())
      return poller
    }
    const poller = poll('automate', aws.queueUrl, aws.queueArn, automate)
    poll('reconcile', aws.reconcileQueueUrl, aws.reconcileQueueArn, reconcile)
    let declared = manifest
    const makeWebhooks = async (): Promise<ReconcileReport | undefined> => {
      const answer = await reconcile.invoke({ action: 'apply' })
      if (!isWebhookAnswer(answer) || !answer.ok || !('report' in answer)) return undefined
      options.onReport?.(answer.report)
      return answer.report
    }
    const { sqs, queueUrl, deadLetterQueueUrl } = aws
    const deadLetters = createDeadLetters({ sqs, queueUrl, deadLetterQueueUrl, ledger, now: systemClock.now })
    const { SignatureKeysSecret = '', BoxAppSecret = '', V1Secret = '' } = secrets.ids
    site = await createSite({
      box,
      aws: { ...aws, env },
      outputs: {
        WebhookUrl: webhookUrl,
        SignatureKeysSecretArn: SignatureKeysSecret,
        BoxAppSecretArn: BoxAppSecret,
        ...(takesV1(template) ? { V1SecretArn: V1Secret, V1WebhookUrl: `${url}/box/v1` } : {}),
      },
      source: localSource({ aws, ledger, deadLetters, journal, webhookUrl, manifest: () => declared }),
      acts: {
        box,
        journal,
        webhookUrl,
        automate,
        poller,
        deadLetters,
        replay: { ledger, queue: createQueue(aws.sqs, aws.queueUrl) },
        syncWebhooks: () => makeWebhooks(),
        ourKeys: () => ourKeys,
        async setOurKeys(next) {
          await secrets.set('SignatureKeysSecret', JSON.stringify(next))
          ourKeys = next
        },
        fixtures: { path: options.fixtures ?? join(packaged.project, FIXTURES), shown: FIXTURES },
      },
      gateway,
      functions,
    })

    const settings = environmentOf(template, 'AutomateLambdaFunction', refs)
    seed(box.content)
    addWatchedItems(box.content, manifest, settings)
    await makeWebhooks()
    return {
      url,
      webhookUrl,
      keys,
      v1Tokens,
      v1Url: takesV1(template) ? `${url}/box/v1/${v1Tokens.primary}` : undefined,
      box,
      aws,
      ledger,
      journal,
      lambdas: { ingest, automate, reconcile, backfill },
      manifest,
      env: settings,
      async replace(folder, next) {
        checkSettings(next, settings)
        declared = next
        for (const [name, one] of Object.entries({ ingest, automate, reconcile, backfill }))
          one.replace(join(folder, name, 'index.mjs'))
        addWatchedItems(box.content, next, settings)
        await makeWebhooks()
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A copy of the bundles for this stack alone: another build replaces those in dist/ while this one still loads parts. */
async function ownBundles(project: string): Promise<string> {
  const folder = ownFolder(join(ROOT, '.boxhooks', 'run'))
  for (const name of FUNCTIONS)
    await cp(join(project, 'dist', name), join(folder, name), { recursive: true }).catch((error: unknown) => {
      throw new FileNotWritten(join(folder, name), error)
    })
  return folder
}

const takesV1 = ({ Resources }: CompiledTemplate): boolean => Resources.V1Route !== undefined

/** 32 characters, as long as the keys that Box generates. */
const randomKey = (): string => randomBytes(24).toString('base64url')
