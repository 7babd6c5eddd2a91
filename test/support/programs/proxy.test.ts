import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../until.ts'
import { startProxy, type TcpProxy } from './proxy.ts'

let server: Server
let proxy: TcpProxy
let sockets: Socket[]

beforeEach(async () => {
  sockets = []
  server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => socket.write(`echo ${chunk}`))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await startProxy((server.address() as AddressInfo).port)
})
afterEach(async () => {
  await proxy.close()
  for (const socket of sockets) socket.destroy()
  server.close()
})

const dial = async (): Promise<Socket> => {
  const client = connect(proxy.port, '127.0.0.1').setEncoding('utf8')
  client.on('error', () => undefined)
  await once(client, 'connect')
  return client
}

/** `once` would take the reset itself for a fault. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.once('close', () => resolve()))

const say = async (client: Socket, text: string): Promise<string> => {
  client.write(text)
  const [answer] = await once(client, 'data')
  return answer
}

test('bytes go through, and what was sent is remembered', async () => {
  const client = await dial()
  expect(await say(client, 'subscribe')).toBe('echo subscribe')
  expect([...proxy.connections].map((link) => link.hasSent('SUBSCRIBE'))).toEqual([true])
})

test('a connection that was made under a limit is cut after so many bytes of answers, and only such a one', async () => {
  const earlier = await dial()
  proxy.limit(7)
  const client = await dial()
  expect(await say(client, 'ab')).toBe('echo ab')
  const gone = closed(client)
  client.write('c')
  await gone
  expect(proxy.cuts).toBe(1)
  proxy.limit(undefined)
  expect(await say(earlier, 'much more')).toBe('echo much more')
  expect(await say(await dial(), 'much more')).toBe('echo much more')
})

test('a cut ends both sides, and the next connection gets through', async () => {
  const client = await dial()
  await say(client, 'a')
  const gone = closed(client)
  expect(proxy.cut()).toBe(1)
  await gone
  expect(await say(await dial(), 'b')).toBe('echo b')
  expect(proxy.cuts).toBe(1)
})

test('frozen bytes are held and arrive later; deaf ones are lost', async () => {
  const client = await dial()
  await say(client, 'a')
  const heard: string[] = []
  client.on('data', (text: string) => heard.push(text))
  proxy.set('frozen')
  client.write('b')
  await turn()
  expect(heard).toEqual([])
  const thawed = once(client, 'data')
  proxy.set('open')
  await thawed
  expect(heard).toEqual(['echo b'])
  proxy.set('deaf')
  client.write('c')
  await until(async () => proxy.dropped === 'echo c'.length, 2000)
  proxy.set('open')
  expect(await say(client, 'd')).toBe('echo d')
  expect(heard).toEqual(['echo b', 'echo d'])
})

test('a refused connection ends at once', async () => {
  proxy.refuse(true)
  const client = connect(proxy.port, '127.0.0.1')
  client.on('error', () => undefined)
  await closed(client)
  expect(sockets).toEqual([])
})
