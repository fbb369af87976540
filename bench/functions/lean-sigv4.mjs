import { Agent, request } from 'node:http'
import aws4 from 'aws4'

// The two calls of ingest, signed by the package aws4, and nothing else.
const agent = new Agent({ keepAlive: true })

const call = (service, target, input) =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(process.env.AWS_ENDPOINT_URL)
    const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target }
    const unsigned = {
      hostname,
      port,
      path: '/',
      method: 'POST',
      service,
      headers,
      body: JSON.stringify(input),
    }
    const signed = aws4.sign({ ...unsigned, region: process.env.AWS_REGION })
    const sent = request({ ...signed, agent }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () => resolve(JSON.parse(text)))
    })
    sent.on('error', reject)
    sent.end(signed.body)
  })

const kept = {}
export const handler = async event => {
  const { SIGNATURE_KEYS_SECRET_ID, QUEUE_URL } = process.env
  kept.secret ??= await call('secretsmanager', 'secretsmanager.GetSecretValue', {
    SecretId: SIGNATURE_KEYS_SECRET_ID,
  })
  await call('sqs', 'AmazonSQS.SendMessage', { QueueUrl: QUEUE_URL, MessageBody: event.body })
  return { statusCode: 202 }
}
