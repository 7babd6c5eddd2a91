import { afterEach, expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { startApp, type TestApp } from '../../support/app.ts'

let app: TestApp
afterEach(() => app?.close())

/**
 * Socket.IO's client pauses its polls when a websocket has answered its probe. If that websocket ends before the last poll
 * does, the client stays paused: it neither asks nor hears, until it misses the next ping.
 */
test('a tab whose upgrade is cut is silent until its next ping is due, and then misses nothing', async () => {
  app = await startApp({ PING_INTERVAL: '1000', PING_TIMEOUT: '500' })
  const tab = app.tab('ada', { transports: ['polling', 'websocket'], since: {} })
  const manager = tab.socket.io
  manager.once('open', () =>
    manager.engine.once('upgrading', (transport) =>
      (transport as unknown as { ws: WebSocket }).ws.terminate(),
    ),
  )
  const ended = tab.disconnected()
  await tab.connected()
  const [start] = await tab.sees('position')
  tab.since = { seq: start.seq, epoch: start.epoch }
  for (let index = 0; index < 20; index++) await app.notify('ada', { title: String(index) })
  expect(await ended).toBe('ping timeout')
  const shown = await tab.sees('notification', 20)
  expect(new Set(shown.map(({ seq }) => seq)).size).toBe(20)
})

test('a tab that asks for a websocket first has nothing to upgrade, and polls where there is none', async () => {
  app = await startApp()
  const asking = { transports: ['websocket', 'polling'], tryAllTransports: true, since: {} }
  const direct = app.tab('ada', asking)
  let upgrades = 0
  direct.socket.io.once('open', () => direct.socket.io.engine.on('upgrading', () => upgrades++))
  await direct.sees('position')
  expect(direct.socket.io.engine.transport.name).toBe('websocket')

  const polls = await startApp({ TRANSPORTS: 'polling' })
  try {
    const tab = await polls.tab('ada', { ...asking, reconnection: false }).connected()
    expect(tab.socket.io.engine.transport.name).toBe('polling')
    await polls.notify('ada', { title: 'one' })
    await tab.sees('notification')
  } finally {
    await polls.close()
  }
  expect(upgrades).toBe(0)
})
