/** What a process and the one that started it say to each other. */
export type ChildMessage = Readonly<Record<string, unknown>>

/** A text in what a process said. Throws where there is none. */
export function textIn(message: ChildMessage, field: string): string {
  const { [field]: text } = message
  if (typeof text !== 'string') throw new TypeError(`A process sent a message without a text ${field}.`)
  return text
}

/** A number in what a process said. Throws where there is none. */
export function numberIn(message: ChildMessage, field: string): number {
  const { [field]: number } = message
  if (typeof number !== 'number') throw new TypeError(`A process sent a message without a number ${field}.`)
  return number
}
