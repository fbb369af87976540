import type { ActionResult } from '../protocol.ts'

/** Something that the stack answered with a refusal; its message says why. */
class Refused extends Error {
  override readonly name = 'Refused'
}

/** Asks the stack. What it answers is its own, so its type is taken at its word. */
export async function get<T>(path: string): Promise<T> {
  const response = await fetch(path)
  if (!response.ok) throw new Refused(await reasonOf(response))
  return response.json()
}

/** Does something on the stack. */
export async function act(name: string, input: Readonly<Record<string, string>> = {}): Promise<ActionResult> {
  const response = await fetch(`/_local/actions/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  })
  if (!response.ok) throw new Refused(await reasonOf(response))
  return response.json()
}

async function reasonOf(response: Response): Promise<string> {
  const { message } = await response.json().catch(() => ({ message: undefined }))
  return typeof message === 'string' ? message : `This did not work: the stack answered ${response.status}.`
}
