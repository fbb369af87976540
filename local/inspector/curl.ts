import type { DeliveryEntry } from '../journal.ts'

/** Headers that curl makes itself. */
const OWN: ReadonlySet<string> = new Set(['host', 'connection', 'content-length', 'accept-encoding'])

/**
 * The command that posts a delivery again, byte for byte, from a POSIX shell. Its signature is right for as long as its
 * timestamp is young enough.
 * @param origin such as http://localhost:4400
 */
export function curlOf(
  delivery: Pick<DeliveryEntry, 'method' | 'path' | 'headers' | 'body'>,
  origin: string,
) {
  const { method, path, headers, body } = delivery
  const lines = [
    `curl -i -X ${method} ${quoted(`${origin}${path}`)}`,
    ...Object.entries(headers)
      .filter(([name]) => !OWN.has(name.toLowerCase()))
      .map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === '' ? [] : [`--data-binary ${quoted(body)}`]),
  ]
  return lines.join(' \\\n  ')
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
