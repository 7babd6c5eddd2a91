import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startApp, type TestApp } from '../support/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

test('refused CONNECTs leave nothing on their transport, and one that is granted is heard by it', async () => {
  const opened = once(app.io.engine, 'connection')
  const client = new WebSocket(`${app.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
  const [conn] = await opened
  await once(client, 'message')
  /** Sends a CONNECT, as a stock client does only once; resolves with the answer. */
  const connect = async (since: object): Promise<string> => {
    const answered = once(client, 'message')
    client.send(`40${JSON.stringify({ token: app.token('ada'), since })}`)
    return String((await answered)[0])
  }
  const before = conn.listenerCount('close')
  for (let attempt = 0; attempt < 3; attempt++)
    expect(await connect({ seq: -1 })).toContain('"code":"invalid_request"')
  expect(conn.listenerCount('close')).toBe(before)
  expect(await connect({})).toMatch(/^40/)
  expect(app.app.hub.counts.connections).toBe(1)
  client.close()
})
