import { createServer } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { portOf, startProxy, type TcpProxy } from './proxy.ts'

let proxy: TcpProxy
let heard: string[]
const server = createServer((request, response) => {
  heard.push(request.url ?? '')
  response.end(`heard ${request.url}`)
})

beforeEach(async () => {
  heard = []
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  proxy = await startProxy(portOf(server))
})
afterEach(async () => {
  await proxy.close()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

const get = (path: string): Promise<string> =>
  fetch(`http://127.0.0.1:${proxy.port}${path}`).then(response => response.text())
const codeOf = async (asking: Promise<unknown>): Promise<unknown> => {
  const error = await asking.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return error instanceof Error && error.cause instanceof Object
    ? Reflect.get(error.cause, 'code')
    : undefined
}

describe('the proxy', () => {
  test('passes everything on while it is whole', async () => {
    expect(await get('/a')).toBe('heard /a')
  })

  test('refuses connections on its own port, and is there again on the same one', async () => {
    await get('/a')
    await proxy.cut('refuse')
    expect(await codeOf(get('/b'))).toBe('ECONNREFUSED')
    await proxy.restore()
    expect(await get('/c')).toBe('heard /c')
    expect(heard).toEqual(['/a', '/c'])
  })

  test('breaks the connections there are, and each new one', async () => {
    const socket = connect({ port: proxy.port, host: '127.0.0.1' })
    const broken = new Promise<unknown>(resolve =>
      socket.on('error', error => resolve(Reflect.get(error, 'code'))),
    )
    await new Promise(resolve => socket.once('connect', resolve))
    expect(await get('/a')).toBe('heard /a')
    await proxy.cut('reset')
    expect(await broken).toBe('ECONNRESET')
    await expect(get('/b')).rejects.toThrow('fetch failed')
    await proxy.restore()
    expect(await get('/c')).toBe('heard /c')
    expect(heard).toEqual(['/a', '/c'])
  })

  test('holds back what is sent, on old connections and new ones, and delivers it late', async () => {
    expect(await get('/a')).toBe('heard /a')
    await proxy.cut('hold')
    let answered = 0
    const count = (text: string): string => {
      answered += 1
      return text
    }
    const held = [get('/b').then(count), get('/c').then(count)]
    // A round trip past the proxy: had anything been let through, it would have been heard by then.
    await fetch(`http://127.0.0.1:${portOf(server)}/beside`).then(response => response.text())
    expect([answered, heard]).toEqual([0, ['/a', '/beside']])
    await proxy.restore()
    expect(await Promise.all(held)).toEqual(['heard /b', 'heard /c'])
  })
})
