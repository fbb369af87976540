import { ExpectedError } from '../../lib/base/expected-error.ts'
/** An AWS call that did not succeed; the message says what to do. */
export class AwsUnreachable extends ExpectedError {
  override readonly name = 'AwsUnreachable'
}

/** The region of a stage, by the rule of serverless.yml. */
export const regionOf = (named: string | undefined): string =>
  named || process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || 'eu-central-1'

/**
 * Says why AWS refused a call, and what to do.
 * @param right the right that the call takes, such as lambda:InvokeFunction
 */
export function awsReason(error: unknown, right: string, region: string): string {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  switch (name) {
    case 'AccessDeniedException':
    case 'AccessDenied':
    case 'AuthorizationErrorException':
    case 'AuthorizationError':
      return `AWS does not let you: your user or role needs the right ${right}. AWS says: ${message}`
    case 'CredentialsProviderError':
      // The SDK says, for example, that a sign-on is over.
      return `There are no AWS credentials that can be used: ${message.replace(/\.?$/, '.')} Run \`aws configure\` or \`aws sso login\`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.`
    case 'ExpiredTokenException':
    case 'ExpiredToken':
    case 'InvalidClientTokenId':
    case 'InvalidSignatureException':
    case 'SignatureDoesNotMatch':
    case 'UnrecognizedClientException':
      return `AWS refuses the credentials: ${message} Get new ones, for example with \`aws sso login\`.`
    default:
      return `AWS in ${region} can't be asked: ${name}: ${message}`
  }
}
