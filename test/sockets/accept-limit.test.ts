import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { TokenBucket } from '../../src/core/session/token-bucket.ts'
import { startApp, type TestApp } from '../support/app.ts'

let app: TestApp
afterEach(() => app?.close())

const POLLING = '/socket.io/?EIO=4&transport=polling'

/** Opens an engine session by polling; resolves with the answer. */
const handshake = (headers: Record<string, string> = {}): Promise<Response> =>
  fetch(app.url + POLLING, { headers })

/** Opens an engine session by websocket; resolves with the status and one header of the answer. */
async function upgrade(query = ''): Promise<[number, string | undefined]> {
  const socket = new WebSocket(
    `${app.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket${query}`,
  )
  const opened = once(socket, 'open').then((): [number, undefined] => [101, undefined])
  // Who is refused hears an error as well.
  opened.catch(() => undefined)
  const refused = once(socket, 'unexpected-response').then(([, response]): [number, string] => {
    response.destroy()
    return [response.statusCode, response.headers['retry-after']]
  })
  refused.catch(() => undefined)
  return Promise.race([opened, refused])
}

describe('a bucket of tokens', () => {
  test('lets a quarter of a second through at once, then the rate', () => {
    let now = 0
    const bucket = new TokenBucket(100, { now: () => now })
    const taken = (asked: number) => Array.from({ length: asked }, () => bucket.take()).filter(Boolean).length
    expect(taken(25)).toBe(25)
    expect(bucket.take()).toBe(false)
    now += 9
    expect(bucket.take()).toBe(false)
    now += 1
    expect(taken(2)).toBe(1)
    now += 60_000
    expect(taken(100)).toBe(25)
  })

  test('of one a second has room for one', () => {
    let now = 0
    const bucket = new TokenBucket(1, { now: () => now })
    expect([bucket.take(), bucket.take()]).toEqual([true, false])
    now += 999
    expect(bucket.take()).toBe(false)
    now += 1
    expect(bucket.take()).toBe(true)
  })
})

describe('handshakes beyond the rate', () => {
  test('are refused with 503 by both transports, and counted; the one within it is not', async () => {
    app = await startApp({ MAX_CONNECTS_PER_SECOND: '1' })
    expect((await handshake()).status).toBe(200)
    const refused = await handshake({ origin: app.url })
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(refused.headers.get('access-control-allow-origin')).toBe(app.url)
    expect(await upgrade()).toEqual([503, '1'])
    expect(app.app.sockets!.counts.refused).toMatchObject({ rate: 2, draining: 0, origin: 0 })
    const metrics = await (await fetch(`${app.url}/metrics`)).text()
    expect(metrics).toContain('tabcast_connections_refused_total{reason="rate"} 2')
  })

  test('are not let in by an empty engine session id, which to Engine.IO is none', async () => {
    app = await startApp({ MAX_CONNECTS_PER_SECOND: '1' })
    const several = Array.from({ length: 5 })
    const polls = await Promise.all(several.map(() => fetch(`${app.url}${POLLING}&sid=`)))
    expect(polls.map(({ status }) => status)).toContain(503)
    const upgrades = await Promise.all(several.map(() => upgrade('&sid=')))
    expect(upgrades.map(([status]) => status)).toContain(503)
  })

  test('do not hold up engine sessions that exist: their polls, posts and upgrades do not count', async () => {
    app = await startApp({ MAX_CONNECTS_PER_SECOND: '1' })
    const tab = await app.tab('ada', { transports: ['polling', 'websocket'] }).connected()
    const { engine } = tab.socket.io
    if (engine.transport.name === 'polling') await new Promise((resolve) => engine.once('upgrade', resolve))
    await app.notify('ada', { title: 'Hello' })
    await tab.sees('notification')
    expect(app.app.sockets!.counts.refused.rate).toBe(0)
  })

  test('of foreign pages take nobody’s place', async () => {
    app = await startApp({ MAX_CONNECTS_PER_SECOND: '1', CORS_ORIGINS: 'https://own.example' })
    expect((await handshake({ origin: 'https://foreign.example' })).status).toBe(403)
    expect((await handshake()).status).toBe(200)
    expect(app.app.sockets!.counts.refused).toMatchObject({ rate: 0, origin: 1 })
  })

  test.each([[['websocket']], [['polling']], [['polling', 'websocket']]])(
    'are tried again by stock clients until they are in: %j',
    async (transports) => {
      app = await startApp({ MAX_CONNECTS_PER_SECOND: '2' })
      const healthy = await app.tab('eve').connected()
      let refusals = 0
      const tabs = Array.from({ length: 4 }, () => app.tab('ada', { transports }))
      for (const { socket } of tabs)
        socket.on('connect_error', () => {
          refusals++
        })
      await Promise.all(
        tabs.map(({ socket }) => new Promise((resolve) => socket.once('connect', () => resolve(0)))),
      )
      // Each of the later ones has waited for half a second or more, trying every tenth of a second at the least.
      expect(refusals).toBeGreaterThan(4)
      expect(healthy.socket.connected).toBe(true)
      await app.notify('ada', { title: 'Hello' })
      await Promise.all(tabs.map((tab) => tab.sees('notification')))
    },
  )
})
