import { Agent, request } from 'node:http'

// The two calls of ingest, unsigned and unchecked: the floor that no receiver can be below.
const agent = new Agent({ keepAlive: true })

const call = (address, target, input) =>
  new Promise((resolve, reject) => {
    const body = JSON.stringify(input)
    const { hostname, port } = new URL(address)
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'content-length': Buffer.byteLength(body),
      'x-amz-target': target,
    }
    const sent = request({ hostname, port, path: '/', method: 'POST', headers, agent }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () => resolve(JSON.parse(text)))
    })
    sent.on('error', reject)
    sent.end(body)
  })

const kept = {}
export const handler = async event => {
  const { AWS_ENDPOINT_URL, SIGNATURE_KEYS_SECRET_ID, QUEUE_URL } = process.env
  kept.secret ??= await call(AWS_ENDPOINT_URL, 'secretsmanager.GetSecretValue', {
    SecretId: SIGNATURE_KEYS_SECRET_ID,
  })
  await call(AWS_ENDPOINT_URL, 'AmazonSQS.SendMessage', { QueueUrl: QUEUE_URL, MessageBody: event.body })
  return { statusCode: 202 }
}
