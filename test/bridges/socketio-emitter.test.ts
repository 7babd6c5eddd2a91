import { encode } from '@msgpack/msgpack'
import { Emitter } from '@socket.io/redis-emitter'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MAX_EMITTER_ROOMS } from '../../src/bridges/socketio-emitter.ts'
import { MAX_EPHEMERAL_BYTES, MAX_EVENT_LENGTH } from '../../src/core/delivery/ephemeral-event.ts'
import { MAX_DEPTH } from '../../src/core/json/depth.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { nested } from '../support/nested.ts'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import type { TestTab } from '../support/tab.ts'
import { areListening, rejectionsOf } from './listening.ts'

describe('the bridge for Socket.IO emitters', () => {
  let redis: RedisServer
  let client: Redis
  let app: TestApp
  let emitter: Emitter

  beforeAll(async () => {
    redis = await startRedis()
    client = new Redis(redis.url)
    app = await startApp({
      REDIS_URL: redis.url,
      BRIDGE_SOCKETIO_EMITTER: 'socket.io',
      PUBLIC_ROOMS: 'public',
      ANONYMOUS: 'on',
      LOG_LEVEL: 'silent',
    })
    emitter = new Emitter(client)
    await areListening(redis, 1)
  })

  afterAll(async () => {
    await app.close()
    client.disconnect()
    await redis.stop()
  })

  const tabIn = async (user: string, ...rooms: string[]): Promise<TestTab> => {
    const tab = await app.tab(user, { grants: { rooms: ['*'] } }).connected()
    for (const room of rooms) expect(await tab.ask('subscribe', room)).toMatchObject({ ok: true })
    return tab
  }
  /** Everything that each of these tabs has received, up to an event that all of them get. */
  const heardBy = async (...tabs: TestTab[]): Promise<string[][]> => {
    emitter.emit('end')
    await Promise.all(tabs.map((tab) => tab.sees('end', tab.all('end').length + 1)))
    return tabs.map(({ seen }) => seen.map(({ event }) => event).filter((event) => event !== 'end'))
  }
  const rejected = (): Promise<number> => rejectionsOf(app.url, 'socketio-emitter')

  test('a room gets the event with its arguments unchanged, and nobody else does', async () => {
    const [inside, outside] = await Promise.all([tabIn('ada', 'lobby'), tabIn('bob')])
    const args: unknown[][] = []
    inside.socket.on('prices', (...given) => args.push(given))
    const date = new Date()
    emitter.to('lobby').emit('prices', 'text', -42, { deep: [null, true, 1.5] }, Date.now(), date, undefined)
    expect(await heardBy(inside, outside)).toEqual([['prices'], []])
    expect(args).toEqual([
      ['text', -42, { deep: [null, true, 1.5] }, expect.any(Number), date.toISOString(), null],
    ])
  })

  test('an integer that a double cannot hold travels as it is', async () => {
    const tab = await tabIn('ada')
    let packet = ''
    tab.socket.io.engine.on('packet', ({ data }) => {
      if (String(data).includes('large')) packet = data
    })
    const large = encode(['php', { type: 2, data: ['large', 9_007_199_254_740_993n], nsp: '/' }, {}], {
      useBigInt64: true,
    })
    await client.publish('socket.io#/#', Buffer.from(large))
    await tab.sees('large')
    expect(packet).toBe('2["large",9007199254740993]')
  })

  test('the room user:<id> is the user, in every tab', async () => {
    const tabs = await Promise.all([tabIn('ada'), tabIn('ada'), tabIn('bob')])
    emitter.to('user:ada').emit('hello')
    expect(await heardBy(...tabs)).toEqual([['hello'], ['hello'], []])
  })

  test('a tab in several of the rooms gets it once', async () => {
    const [both, one] = await Promise.all([tabIn('ada', 'a', 'b'), tabIn('bob', 'b')])
    emitter.to('a').to('b').to('user:ada').emit('once')
    expect(await heardBy(both, one)).toEqual([['once'], ['once']])
  })

  test('the id of a connection is a room of its own', async () => {
    const tabs = await Promise.all([tabIn('ada'), tabIn('ada')])
    emitter.to(tabs[0]!.socket.id!).emit('direct')
    expect(await heardBy(...tabs)).toEqual([['direct'], []])
  })

  test('connections, rooms and users are left out', async () => {
    const tabs = await Promise.all([tabIn('ada'), tabIn('bob', 'a'), tabIn('eve'), tabIn('zoe')])
    emitter.except([tabs[0]!.socket.id!, 'a', 'user:eve']).emit('some')
    expect(await heardBy(...tabs)).toEqual([[], [], [], ['some']])
  })

  test('without rooms it reaches everybody who hears something', async () => {
    const anonymous = await Promise.all([app.tabWith({}).connected(), app.tabWith({}).connected()])
    await anonymous[0]!.ask('subscribe', 'public')
    const tab = await tabIn('ada', 'a', 'b')
    emitter.emit('all')
    expect(await heardBy(tab, anonymous[0]!)).toEqual([['all'], ['all']])
    expect(anonymous[1]!.seen).toEqual([])
  })

  test('a room that was not granted, or was left, gets nothing', async () => {
    const stranger = await app.tab('eve').connected()
    expect(await stranger.ask('subscribe', 'lobby')).toMatchObject({ ok: false })
    const tab = await tabIn('ada', 'lobby')
    await tab.ask('unsubscribe', 'lobby')
    emitter.to('lobby').emit('secret')
    expect(await heardBy(stranger, tab)).toEqual([[], []])
  })

  test.each(['notification', 'message', 'chat message'])('the event %s passes', async (event) => {
    const tab = await tabIn('ada')
    emitter.to('user:ada').emit(event, 'text')
    expect(await tab.sees(event)).toEqual(['text'])
  })

  test.each(['gap', 'position', 'notification:removed', 'going-away'])(
    'the event %s is refused',
    async (event) => {
      const tab = await tabIn('ada')
      const before = await rejected()
      emitter.to('user:ada').emit(event, {})
      expect(await heardBy(tab)).toEqual([[]])
      expect(await rejected()).toBe(before + 1)
    },
  )

  test('names of events, rooms and bytes: as many as allowed, and one more', async () => {
    const tab = await tabIn('ada')
    const before = await rejected()
    const rooms = Array.from({ length: MAX_EMITTER_ROOMS - 1 }, (_, index) => `room ${index}`)
    // The rest of the packet is ["bytes",""].
    const text = 'x'.repeat(MAX_EPHEMERAL_BYTES - 12)
    const name = 'n'.repeat(MAX_EVENT_LENGTH)
    emitter.to('user:ada').emit(name)
    emitter.to('user:ada').emit(`${name}n`)
    emitter.to(['user:ada', ...rooms]).emit('rooms')
    emitter.to(['user:ada', 'another', ...rooms]).emit('too many rooms')
    emitter.to('user:ada').emit('bytes', text)
    emitter.to('user:ada').emit('bytes', `${text}x`)
    expect(await heardBy(tab)).toEqual([[name, 'rooms', 'bytes']])
    expect(await rejected()).toBe(before + 3)
  })

  test('arguments may be nested up to the limit, and no deeper', async () => {
    const tab = await tabIn('ada')
    const before = await rejected()
    emitter.to('user:ada').emit('deep', nested(MAX_DEPTH), nested(MAX_DEPTH))
    emitter.to('user:ada').emit('deeper', 1, nested(MAX_DEPTH + 1))
    expect(await heardBy(tab)).toEqual([['deep']])
    expect(await rejected()).toBe(before + 1)
  })

  test('binary arguments are refused', async () => {
    const tab = await tabIn('ada')
    const before = await rejected()
    emitter.emit('file', { content: Buffer.from('binary') })
    await client.publish(
      'socket.io#/#',
      Buffer.from(encode(['', { type: 2, data: ['file', new Uint8Array(3)] }, {}])),
    )
    expect(await heardBy(tab)).toEqual([[]])
    expect(await rejected()).toBe(before + 2)
  })

  test('other namespaces, and what servers ask each other, are not heard', async () => {
    const tab = await tabIn('ada')
    const before = await rejected()
    emitter.of('/admin').emit('elsewhere')
    emitter.disconnectSockets(true)
    emitter.socketsLeave('lobby')
    emitter.serverSideEmit('hello')
    expect(await heardBy(tab)).toEqual([[]])
    expect(await rejected()).toBe(before)
  })
})
