import { connect } from 'node:tls'
import { AGE_MAX_SECONDS, SKEW_MAX_SECONDS } from '../../lib/ingest/signature.ts'
import {
  type Check,
  type DoctorContext,
  deployedFunction,
  deployFix,
  type EndpointAnswer,
  EndpointUnreachable,
} from './context.ts'
import { type Finding, fail, ok, skipped, spanText, unknown, warn } from './finding.ts'

const OUTPUTS = ['WebhookUrl']

/** The ingest endpoint, called as anyone on the internet can. */
export const ENDPOINT_CHECKS: readonly Check[] = [
  {
    group: 'Ingest endpoint',
    name: 'unsigned-refused',
    rights: [],
    outputs: OUTPUTS,
    run: (context, signal) =>
      judgeEndpoint(
        context,
        () => context.unsigned(),
        (answer, address) =>
          answer.code === 'header_missing' && answer.status === 400
            ? unsignedFinding(address, answer.ms)
            : unexpectedFinding(answer, 'an unsigned POST', context),
      ).finally(() => signal.throwIfAborted()),
  },
  {
    group: 'Ingest endpoint',
    name: 'forged-refused',
    rights: [],
    outputs: OUTPUTS,
    run: (context, signal) =>
      judgeEndpoint(
        context,
        address =>
          context.askEndpoint(address, {
            method: 'POST',
            headers: forged(context.now()),
            body: '{}',
            signal,
          }),
        answer =>
          answer.code === 'signature_mismatch' && answer.status === 401
            ? ok('A delivery with a wrong signature is rejected.')
            : unexpectedFinding(answer, 'a delivery with a wrong signature', context),
      ),
  },
  {
    group: 'Ingest endpoint',
    name: 'get-refused',
    rights: [],
    outputs: OUTPUTS,
    run: (context, signal) =>
      judgeEndpoint(
        context,
        address => context.askEndpoint(address, { method: 'GET', signal }),
        answer =>
          answer.code === 'method_not_allowed' && answer.status === 405
            ? ok('Any method but POST is rejected.')
            : unexpectedFinding(answer, 'a GET', context),
      ),
  },
  {
    group: 'Ingest endpoint',
    name: 'certificate',
    rights: [],
    outputs: OUTPUTS,
    run: async ({ address = '', now }, signal) => {
      const url = new URL(address)
      if (url.protocol !== 'https:')
        return skipped('The address is not HTTPS, as it may be only on this machine.')
      return certificateFinding(await certificateEnd(url, signal), now())
    },
  },
  {
    group: 'Ingest endpoint',
    name: 'v1-refused',
    rights: [],
    async run(context, signal) {
      const { V1WebhookUrl: address } = context.outputs
      if (!address) return skipped('The stage takes no V1 callbacks.')
      return judgeEndpoint(
        { ...context, address },
        at => context.askEndpoint(`${at}/${'x'.repeat(32)}`, { method: 'POST', signal }),
        answer =>
          answer.code === 'v1_token_mismatch' && answer.status === 401
            ? ok('A V1 callback with a wrong token is rejected.')
            : unexpectedFinding(answer, 'a V1 callback with a wrong token', context),
      )
    },
  },
]

/** Box waits for 30 s; a cold start takes some seconds. */
const ANSWER_MS_LONG = 15_000

function unsignedFinding(address: string, ms: number): Finding {
  const found = `${address} rejects an unsigned POST, in ${ms} ms.`
  return ms < ANSWER_MS_LONG
    ? ok(found)
    : warn(
        `${found} Box waits for 30 s.`,
        'Run it again. If it stays this slow, see in the log of ingest what it waits for.',
      )
}

/** Makes the headers of a delivery with a signature that no key made. */
const forged = (now: number): Record<string, string> => ({
  'box-delivery-id': 'boxhooks-doctor',
  'box-delivery-timestamp': new Date(now).toISOString(),
  'box-signature-version': '1',
  'box-signature-algorithm': 'HmacSHA256',
  'box-signature-primary': 'bm90aGluZyB0aGF0IGlzIHNpZ25lZCBieSBib3hob29rcyE=',
})

async function judgeEndpoint(
  context: DoctorContext,
  ask: (address: string) => Promise<EndpointAnswer>,
  judge: (answer: EndpointAnswer, address: string) => Finding,
): Promise<Finding> {
  const { address = '' } = context
  try {
    return judge(await ask(address), address)
  } catch (error) {
    if (error instanceof EndpointUnreachable) return judgeUnreachable(error, context)
    throw error
  }
}

function judgeUnreachable({ message, code }: EndpointUnreachable, context: DoctorContext): Finding {
  if (!('stage' in context.ref)) return fail(message, deployFix(context))
  if (/CERT|SSL|TLS|SELF_SIGNED|ALTNAME|ISSUER/.test(code))
    return fail(
      `${message} Box would reject its certificate, too.`,
      'Put a certificate of a public authority for this very name into params.certificateArn, and deploy.',
    )
  if (/ENOTFOUND|EAI_AGAIN/.test(code))
    return fail(
      message,
      context.outputs.DomainTarget
        ? `Point the domain to ${context.outputs.DomainTarget} with a CNAME or alias record.`
        : `Check that this machine reaches the internet. If the API is gone: ${deployFix(context)}`,
    )
  return fail(message, `Check that this machine reaches the internet, then ${deployFix(context)}`)
}

/** Judges an answer that is not the expected one. */
function unexpectedFinding({ status, code }: EndpointAnswer, what: string, context: DoctorContext): Finding {
  const said = `The ingest endpoint answers ${what} with ${status}${code === undefined ? '' : ` ${code}`}`
  const keys = `npx boxhooks secrets set signature-keys ${context.flags}`
  const log = `The log of the function ingest says why: /aws/lambda/boxhooks-${'stage' in context.ref ? context.ref.stage : 'local'}-ingest`
  if (code === undefined && status === 429)
    return warn(`${said}: requests exceed its limit.`, 'Raise params.requestsPerSecond, and deploy.')
  if (code === undefined && status >= 500)
    return fail(`${said}: the function ingest fails or can't be reached.`, log)
  if (code === undefined)
    return fail(
      `${said}, which is not an answer of boxhooks: the address leads elsewhere, or a proxy answers.`,
      context.outputs.DomainTarget
        ? `Point the domain to ${context.outputs.DomainTarget}.`
        : `Check what is between Box and this address, then ${deployFix(context)}`,
    )
  if (status < 300)
    return fail(
      `${said}: it accepts unsigned requests.`,
      `At once: ${deployFix(context)}, and report it to boxhooks.`,
    )
  if (code === 'no_key') return fail(`${said}: no signature key is stored.`, keys)
  if (code === 'v1_no_token')
    return fail(`${said}: no token is stored.`, `npx boxhooks secrets set v1-tokens ${context.flags}`)
  if (status >= 500) return fail(`${said}.`, log)
  return fail(`${said}.`, deployFix(context))
}

/**
 * Reads from a server until when its certificate is valid.
 * @returns milliseconds since the epoch, or why there is no certificate that can be trusted
 */
function certificateEnd(url: URL, signal: AbortSignal): Promise<number | string> {
  const { hostname: host, port } = url
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port || 443), servername: host })
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', abort)
      socket.destroy()
      settle()
    }
    const abort = () => end(() => reject(signal.reason))
    signal.addEventListener('abort', abort, { once: true })
    socket.once('secureConnect', () => {
      const { valid_to: validTo } = socket.getPeerCertificate()
      end(() => resolve(Date.parse(validTo)))
    })
    socket.once('error', error => end(() => resolve('code' in error ? String(error.code) : error.message)))
  })
}

const DAY_MS = 86_400_000
/** AWS renews a certificate 60 days before its end; what is nearer than this was not renewed. */
const DAYS_MIN = 30
const DAYS_URGENT = 7

/**
 * Judges how long a certificate is still valid.
 * @param end milliseconds since the epoch, or why there is none that can be trusted
 */
function certificateFinding(end: number | string, now: number): Finding {
  if (typeof end === 'string')
    return /CERT|SELF_SIGNED|ALTNAME|ISSUER/.test(end)
      ? fail(
          `The certificate can't be trusted: ${end}.`,
          'Put a certificate of a public authority for this very name into params.certificateArn, and deploy.',
        )
      : unknown(`No TLS connection: ${end}.`)
  const days = Math.floor((end - now) / DAY_MS)
  const found = `The certificate is valid for ${days} more days.`
  const fix =
    'Check in AWS Certificate Manager why it is not renewed: its DNS record is gone, or it was imported.'
  if (days < DAYS_URGENT) return fail(found, fix)
  return days < DAYS_MIN ? warn(found, fix) : ok(found)
}

/** The clocks of Box, AWS and this machine. */
export const CLOCK_CHECKS: readonly Check[] = [
  {
    group: 'Clock',
    name: 'box-clock',
    rights: ['lambda:InvokeFunction', 'lambda:GetFunctionConfiguration'],
    async run(context, signal) {
      const { at, boxAt } = (await context.boxCheck()).clock
      return boxAt === undefined
        ? unknown('Box did not report its time.')
        : boxClockFinding((at - boxAt) / 1000, await ageMaxSeconds(context, signal))
    },
  },
  {
    group: 'Clock',
    name: 'own-clock',
    rights: [],
    outputs: ['WebhookUrl'],
    async run(context) {
      try {
        const { at, date } = await context.unsigned()
        return date === undefined
          ? unknown('The ingest endpoint does not report its time.')
          : ownClockFinding((at - date) / 1000)
      } catch (error) {
        if (error instanceof EndpointUnreachable) return unknown(error.message)
        throw error
      }
    },
  },
]

/** Reads how old a delivery may be that the stage accepts, in seconds. */
async function ageMaxSeconds(context: DoctorContext, signal: AbortSignal): Promise<number> {
  if (!('stage' in context.ref)) return AGE_MAX_SECONDS
  const { env } = await deployedFunction(context, 'ingest', signal)
  return Number(env.SIGNATURE_AGE_MAX_SECONDS) || AGE_MAX_SECONDS
}

/** What the header Date, which has whole seconds, and the way of an answer leave uncertain. */
const SLACK_SECONDS = 5

/**
 * Judges the clock of the functions by what a delivery's age must be.
 * @param seconds how far it is ahead of Box's; negative where it is behind
 */
function boxClockFinding(seconds: number, ageMax: number): Finding {
  const found = `The functions’ clock is ${apart(seconds)} Box’s`
  if (seconds < -SKEW_MAX_SECONDS || seconds > ageMax)
    return fail(
      `${found}: genuine deliveries are rejected for their time.`,
      'See https://status.box.com and https://health.aws.amazon.com: one of the two clocks is wrong.',
    )
  return Math.abs(seconds) > SKEW_MAX_SECONDS / 2
    ? warn(
        `${found}; deliveries are accepted from ${SKEW_MAX_SECONDS} s ahead to ${ageMax} s old.`,
        'Check again in some minutes. If it grows, see https://status.box.com.',
      )
    : ok(`${found}; deliveries are accepted from ${SKEW_MAX_SECONDS} s ahead to ${ageMax} s old.`)
}

/** @param seconds how far this machine's clock is ahead of AWS's; negative where it is behind */
function ownClockFinding(seconds: number): Finding {
  const found = `This machine’s clock is ${apart(seconds)} AWS’s.`
  return Math.abs(seconds) > SKEW_MAX_SECONDS / 2
    ? warn(
        `${found} Times that commands print are wrong, and AWS rejects requests from a clock that is five minutes off.`,
        'Set this machine’s clock from the network: on Linux, timedatectl set-ntp true',
      )
    : ok(found)
}

function apart(seconds: number): string {
  if (Math.abs(seconds) <= SLACK_SECONDS) return `within ${SLACK_SECONDS} s of`
  return `${spanText(Math.abs(seconds))} ${seconds > 0 ? 'ahead of' : 'behind'}`
}
