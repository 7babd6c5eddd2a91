import type { Socket as NetSocket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import type { TestTab } from '../../support/tab.ts'

let app: TestApp
afterEach(() => app?.close())

/** Lets a tab read about 64 KB every few milliseconds. Answers how to end it. */
function slowDown(tab: TestTab): () => void {
  const { transport } = tab.socket.io.engine as unknown as { transport: { ws: { _socket: NetSocket } } }
  const net = transport.ws._socket
  const stop = (): NetSocket => net.pause()
  net.pause()
  net.on('data', stop)
  const timer = setInterval(() => net.resume(), 5)
  return () => {
    clearInterval(timer)
    net.off('data', stop)
    net.resume()
  }
}

const roomsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `r${index}`)

/** Fills rooms with messages of 16 KB. */
async function fill(rooms: readonly string[], count: number): Promise<void> {
  for (const room of rooms)
    await Promise.all(Array.from({ length: count }, () => app.message(room, { data: 'x'.repeat(16_000) })))
}

describe('a tab on a slow line', () => {
  test('gets the last messages of many rooms, however much more than it may have waiting they are', async () => {
    app = await startApp({ MAX_CONNECTION_BYTES: '500000' })
    const rooms = roomsOf(12)
    await fill(rooms, 64)
    const tab = await app.tab('ada', { grants: { rooms: ['*'] }, reconnection: false }).connected()
    const faster = slowDown(tab)
    const answers = await Promise.all(
      rooms.map((room) => tab.socket.timeout(25_000).emitWithAck('subscribe', room, { last: 64 })),
    )
    const answered = answers.reduce((sum, { messages }) => sum + messages.length, 0)
    await tab.sees('message', rooms.length * 64 - answered)
    faster()
    for (const room of rooms) {
      const heard = [...answers.flatMap(({ messages }) => messages), ...tab.all('message')]
      expect(heard.filter((message) => message.room === room).map(({ seq }) => seq)).toEqual(
        Array.from({ length: 64 }, (_, index) => index + 1),
      )
    }
    expect(app.app.sockets!.counts.closed.slow).toBe(0)
  })

  test('gets all the answers that it has asked for at once', async () => {
    app = await startApp({ MAX_CONNECTION_BYTES: '500000' })
    await fill(['r0'], 16)
    const tab = await app.tab('ada', { grants: { rooms: ['*'] }, reconnection: false }).connected()
    slowDown(tab)
    const ask = (): Promise<{ messages: object[] }> =>
      tab.socket.timeout(25_000).emitWithAck('subscribe', 'r0', { last: 16 })
    for (const { messages } of await Promise.all(Array.from({ length: 60 }, ask)))
      expect(messages).toHaveLength(16)
    expect(app.app.sockets!.counts.closed.slow).toBe(0)
  })

  test('is brought up to date in many rooms at its CONNECT', async () => {
    app = await startApp({ MAX_CONNECTION_BYTES: '500000', MAX_ROOMS_PER_CONNECTION: '250' })
    const rooms = roomsOf(250)
    await fill(rooms, 4)
    const tab = app.tab('ada', {
      grants: { rooms: ['*'] },
      reconnection: false,
      since: { rooms: Object.fromEntries(rooms.map((room) => [room, { seq: 0 }])) },
    })
    tab.socket.io.on('open', () => slowDown(tab))
    await tab.sees('position', 251)
    expect(tab.all('message')).toHaveLength(1000)
    expect(app.app.sockets!.counts.closed.slow).toBe(0)
  })
})
