import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MAX_DEPTH } from '../../src/core/json/depth.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { nested } from '../support/nested.ts'
import { signToken } from '../support/tokens.ts'

describe('rooms', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ MAX_ROOMS_PER_CONNECTION: '3', ROOM_RETENTION_COUNT: '20' })
  })
  afterAll(() => app.close())

  const enter = (rooms: string[]) => app.tab('ada', { grants: { rooms } }).connected()

  test('nothing is granted by default', async () => {
    const tab = await app.tab('ada').connected()
    expect(await tab.ask('subscribe', 'den')).toMatchObject({
      ok: false,
      error: { code: 'room_forbidden', temporary: false },
    })
  })

  test('a pattern is an exact id, or a prefix and one final star', async () => {
    const tab = await enter(['a*b', 'team:*', 'x'])
    for (const [room, ok] of [
      ['a*b', true],
      ['aXb', false],
      ['team:', true],
      ['team:7', true],
      ['team', false],
      ['xy', false],
    ] as const) {
      expect(await tab.ask('subscribe', room), room).toMatchObject({ ok })
      await tab.ask('unsubscribe', room)
    }
  })

  test('subscribe answers the initial state, then everything follows without a hole', async () => {
    for (let index = 1; index <= 5; index++) await app.message('chart', { data: { value: index } })
    const tab = await enter(['chart'])
    const saying = (async () => {
      for (let index = 6; index <= 15; index++) await app.message('chart', { data: { value: index } })
    })()
    const state = await tab.ask('subscribe', 'chart', { last: 3 })
    await saying
    const live = 15 - state.seq
    await tab.sees('message', live)
    const values = [...state.messages, ...tab.all('message')].map(({ data }) => data.value)
    expect(values).toEqual(Array.from({ length: live + 3 }, (_, index) => state.seq - 2 + index))
  })

  test('messages that are nested as deep as they may be come with the answer, with their numbers', async () => {
    // A number that is kept as text is not taken for a level.
    const data = `${'['.repeat(MAX_DEPTH)}1e400${']'.repeat(MAX_DEPTH)}`
    await app.message('deep', { data: nested(MAX_DEPTH) })
    await app.postText('/rooms/deep/messages', `{"data":${data}}`)
    const tab = await enter(['deep'])
    const { ok, messages } = await tab.ask('subscribe', 'deep', { last: 2 })
    expect(ok).toBe(true)
    expect(messages[0].data).toEqual(nested(MAX_DEPTH))
    expect(messages).toHaveLength(2)
  })

  test('since brings what was missed; behind retention it says so', async () => {
    const first = await app.message('log', { body: '1' })
    for (let index = 2; index <= 10; index++) await app.message('log', { body: String(index) })
    const tab = await enter(['log'])
    const state = await tab.ask('subscribe', 'log', { since: { seq: 7, epoch: first.epoch } })
    expect(state.messages.map(({ body }: { body: string }) => body)).toEqual(['8', '9', '10'])
    expect(state).toMatchObject({ ok: true, seq: 10, epoch: first.epoch })
    expect(state.gap).toBeUndefined()
    for (let index = 11; index <= 30; index++) await app.message('log', { body: String(index) })
    const again = await tab.ask('subscribe', 'log', { since: { seq: 7, epoch: first.epoch } })
    expect(again.gap).toEqual({ from: 8, to: 10, reason: 'trimmed' })
    expect(again.messages).toHaveLength(20)
  })

  test('a large initial state is cut, and the rest follows as messages in order', async () => {
    const body = 'x'.repeat(4000)
    const data = 'y'.repeat(16_000)
    for (let index = 0; index < 20; index++) await app.message('large', { type: `n${index}`, body, data })
    const tab = await enter(['large'])
    const state = await tab.ask('subscribe', 'large', { since: { seq: 0 } })
    expect(state.messages.length).toBeGreaterThan(5)
    expect(state.messages.length).toBeLessThan(20)
    await tab.sees('message', 20 - state.messages.length)
    const types = [...state.messages, ...tab.all('message')].map(({ type }) => type)
    expect(types).toEqual(Array.from({ length: 20 }, (_, index) => `n${index}`))
  })

  test('numbers that a double cannot hold arrive as they were sent', async () => {
    await app.postText('/rooms/exact/messages', '{"data":{"n":9007199254740993,"list":[],"map":{}}}')
    const tab = await enter(['exact'])
    const frames: string[] = []
    tab.socket.io.engine.on('data', (data: string) => frames.push(data))
    await tab.ask('subscribe', 'exact', { last: 1 })
    expect(frames.join()).toContain('"data":{"n":9007199254740993,"list":[],"map":{}}')
  })

  test('a replay ends with the room: by unsubscribe, by another subscribe, by a token that no longer grants it', async () => {
    for (let index = 0; index < 20; index++)
      await app.message('long', { type: `n${index}`, data: 'x'.repeat(16_000) })
    await app.message('den', { body: 'there' })
    const start = async () => {
      const tab = await enter(['long', 'den'])
      const state = await tab.ask('subscribe', 'long', { since: { seq: 0 } })
      expect(state.messages.length).toBeLessThan(20)
      return tab
    }
    const left = await start()
    await left.ask('unsubscribe', 'long')
    const seen = left.all('message').length
    expect(await left.ask('subscribe', 'den', { last: 1 })).toMatchObject({ ok: true })
    expect(left.all('message').length).toBe(seen)

    const refreshed = await start()
    await refreshed.ask('refresh', app.token('ada', { rooms: ['den'] }))
    const after = refreshed.seen.findIndex(({ event }) => event === 'unsubscribed')
    expect(await refreshed.ask('subscribe', 'den', { last: 1 })).toMatchObject({ ok: true })
    expect(refreshed.seen.slice(after + 1).filter(({ event }) => event === 'message')).toEqual([])

    const twice = await enter(['long'])
    const [, state] = await Promise.all(
      [1, 2].map(() => twice.ask('subscribe', 'long', { since: { seq: 0 } })),
    )
    await twice.sees('position')
    const rest = twice.all('message').slice(-(20 - state.messages.length))
    expect([...state.messages, ...rest].map(({ type }) => type)).toEqual(
      Array.from({ length: 20 }, (_, index) => `n${index}`),
    )
  })

  test('after unsubscribe nothing is heard', async () => {
    const tab = await enter(['den', 'yard'])
    await tab.ask('subscribe', 'den')
    await tab.ask('subscribe', 'yard')
    expect(await tab.ask('unsubscribe', 'den')).toEqual({ ok: true })
    await app.message('den', { body: 'unheard' })
    await app.message('yard', { body: 'heard' })
    await tab.sees('message')
    expect(tab.all('message').map(({ body }) => body)).toEqual(['heard'])
  })

  test('one room more than allowed is refused, and one fewer makes room', async () => {
    const tab = await enter(['r*'])
    for (const room of ['r1', 'r2', 'r3'])
      expect(await tab.ask('subscribe', room)).toMatchObject({ ok: true })
    expect(await tab.ask('subscribe', 'r4')).toMatchObject({ ok: false, error: { code: 'too_many_rooms' } })
    expect(await tab.ask('subscribe', 'r3')).toMatchObject({ ok: true })
    await tab.ask('unsubscribe', 'r1')
    expect(await tab.ask('subscribe', 'r4')).toMatchObject({ ok: true })
  })

  test('a room token grants one room to one user, until it expires', async () => {
    const now = Math.floor(Date.now() / 1000)
    const claims = { sub: 'ada', aud: 'tabcast:room', room: 'vault', iat: now, exp: now + 2 }
    const tab = await app.tab('ada').connected()
    const ask = (token: string, room = 'vault') => tab.ask('subscribe', room, { token })
    const forbidden = { ok: false, error: { code: 'room_forbidden' } }
    expect(await ask(signToken(app.jwtSecret, { ...claims, sub: 'eve' }))).toMatchObject(forbidden)
    expect(await ask(signToken(app.jwtSecret, claims), 'other')).toMatchObject(forbidden)
    expect(await ask(signToken(app.jwtSecret, { ...claims, aud: 'tabcast' }))).toMatchObject({
      ok: false,
      error: { code: 'token_invalid' },
    })
    expect(await ask(signToken(app.jwtSecret, claims))).toMatchObject({ ok: true })
    expect(await tab.sees('unsubscribed')).toEqual([{ room: 'vault', code: 'token_expired' }])
    await app.message('vault', { body: 'unheard' })
    await app.notify('ada', { title: 'heard' })
    await tab.sees('notification')
    expect(tab.all('message')).toEqual([])
  })

  test('a refreshed token that no longer grants a room takes the tab out of it', async () => {
    const tab = await enter(['den'])
    await tab.ask('subscribe', 'den')
    expect(await tab.ask('refresh', app.token('ada', {}))).toMatchObject({ ok: true })
    expect(await tab.sees('unsubscribed')).toEqual([{ room: 'den', code: 'room_forbidden' }])
  })

  test('the connection named by X-Socket-ID is left out, the others hear it', async () => {
    const [speaker, listener] = await Promise.all([enter(['den']), enter(['den'])])
    for (const tab of [speaker, listener]) await tab.ask('subscribe', 'den')
    await app.message('den', { body: 'mine' }, { 'x-socket-id': speaker.socket.id! })
    await app.message('den', { body: 'ours' })
    await Promise.all([speaker.sees('message'), listener.sees('message', 2)])
    expect(speaker.all('message').map(({ body }) => body)).toEqual(['ours'])
  })
})
