import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { startRedis } from '../support/redis.ts'
import { TestTab } from '../support/tab.ts'
import { startTabcast } from '../support/tabcast.ts'
import { browserToken } from '../support/tokens.ts'

/** The spread, what tabs and requests may take to hear of it, and air for a busy machine; in milliseconds. */
const MOST = 1000 + 6000 + 3000

test('SIGTERM ends with exit code 0 in time, whatever hangs on the process, and with a Redis that answers nothing', async () => {
  const redis = await startRedis()
  const server = await startTabcast({ REDIS_URL: redis.url, DRAIN_SECONDS: '1' })
  try {
    const token = browserToken(server.jwtSecret, { user: 'ada' })
    const tabs = [
      new TestTab(server.url, { token }),
      new TestTab(server.url, { token, transports: ['polling'] }),
    ]
    const [deaf] = await Promise.all(tabs.map((tab) => tab.connected()))
    const { transport } = deaf!.socket.io.engine as unknown as {
      transport: { ws: { _socket: import('node:net').Socket } }
    }
    transport.ws._socket.pause()
    const half = connect(server.port, '127.0.0.1')
    half.on('error', () => undefined)
    await once(half, 'connect')
    half.write('POST /notify/ada HTTP/1.1\r\nHost: x\r\n')
    redis.pause()
    const began = Date.now()
    expect(await server.stop()).toBe(0)
    expect(Date.now() - began).toBeLessThan(MOST)
    for (const tab of tabs) tab.close()
    half.destroy()
  } finally {
    await server.kill()
    await redis.stop()
  }
})

test('a process that is stopped as soon as it answers, while its Redis does not, ends with exit code 0', async () => {
  const redis = await startRedis()
  redis.pause()
  try {
    const server = await startTabcast({ REDIS_URL: redis.url, DRAIN_SECONDS: '0' }, { until: 'live' })
    expect(await server.stop()).toBe(0)
  } finally {
    redis.resume()
    await redis.stop()
  }
})
