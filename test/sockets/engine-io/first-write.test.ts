import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

test('the answer to an upgrade and the first packet come together', async () => {
  const { port, host } = new URL(app.url)
  const page = connect(Number(port), '127.0.0.1')
  page.write(
    `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  const [first] = (await once(page, 'data')) as [Buffer]
  const [head, packet] = first.toString('latin1').split('\r\n\r\n')
  expect(head).toMatch(/^HTTP\/1\.1 101 /)
  expect(packet).toContain('0{"sid":"')
  page.destroy()
})
