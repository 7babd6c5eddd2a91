import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Channel } from '../../src/core/model/channel.ts'
import { LEAVE_PAUSE } from '../../src/core/presence/room-presence.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { until } from '../support/until.ts'

describe('who is there', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ ANONYMOUS: 'on', PUBLIC_ROOMS: '*' })
  })
  afterAll(() => app.close())

  const enter = async (user: string, room: string, options: object = {}) => {
    const tab = await app.tab(user).connected()
    return { tab, answer: await tab.ask('subscribe', room, options) }
  }
  const presenceOf = async (room: string, key = app.apiKey) => {
    const response = await fetch(`${app.url}/rooms/${room}/presence`, {
      headers: { authorization: `Bearer ${key}` },
    })
    return response.json()
  }

  test('a watcher gets who is there, then who comes and goes: each user once, however many tabs', async () => {
    const ada = await enter('ada', 'den', { presence: true })
    expect(ada.answer).toMatchObject({ ok: true, users: ['ada'], count: 1 })
    const first = await enter('bob', 'den')
    const second = await enter('bob', 'den', { presence: true })
    expect([...second.answer.users].sort()).toEqual(['ada', 'bob'])
    expect(second.answer.count).toBe(2)
    expect(await presenceOf('den')).toEqual({
      users: expect.arrayContaining([
        { user: 'ada', connections: 1 },
        { user: 'bob', connections: 2 },
      ]),
      count: 2,
      connections: 3,
    })
    first.tab.close()
    second.tab.close()
    await ada.tab.sees('presence', 2)
    expect(ada.tab.all('presence')).toEqual([
      { room: 'den', user: 'bob', action: 'join', count: 2 },
      { room: 'den', user: 'bob', action: 'leave', count: 1 },
    ])
    expect(first.answer.users).toBeUndefined()
    expect(first.tab.all('presence')).toEqual([])
  })

  test('a reload is no leave, and leaving is published after a pause', async () => {
    const ada = await enter('ada', 'yard', { presence: true })
    const before = await enter('bob', 'yard')
    before.tab.close()
    const after = await enter('bob', 'yard')
    const left = Date.now()
    after.tab.close()
    const events = await ada.tab.sees('presence', 2)
    expect(Date.now() - left).toBeGreaterThanOrEqual(LEAVE_PAUSE - 50)
    expect(events.map(({ user, action }) => `${user} ${action}`)).toEqual(['bob join', 'bob leave'])
  })

  test('a tab that left, or entered again without it, hears nothing more', async () => {
    const one = await enter('ada', 'attic', { presence: true })
    const two = await enter('bob', 'attic', { presence: true })
    await one.tab.ask('unsubscribe', 'attic')
    await two.tab.ask('subscribe', 'attic')
    const watcher = await enter('cem', 'attic', { presence: true })
    await enter('dan', 'attic')
    await watcher.tab.sees('presence')
    const others = [one.tab, two.tab].flatMap((tab) => tab.all('presence').map(({ user }) => user))
    expect(others).not.toContain('cem')
    expect(others).not.toContain('dan')
  })

  test('anonymous connections are counted, and are nobody', async () => {
    const tab = await app.tabWith({}).connected()
    expect(await tab.ask('subscribe', 'square', { presence: true })).toMatchObject({ users: [], count: 0 })
    await enter('ada', 'square')
    expect(await presenceOf('square')).toEqual({
      users: [{ user: 'ada', connections: 1 }],
      count: 1,
      connections: 2,
    })
    expect(await tab.sees('presence')).toEqual([{ room: 'square', user: 'ada', action: 'join', count: 1 }])
  })

  test('members are there as soon as they are granted the room', async () => {
    const tab = await app.tab('eli').connected()
    await app.join('eli', 'club')
    await tab.sees('subscribed')
    await until(async () => ((await presenceOf('club')) as { count: number }).count === 1, 2000)
  })

  test('a list names a thousand, and counts them all', async () => {
    const { engine } = app.app
    const people = new Map(Array.from({ length: 1000 }, (_, index) => [`user ${index}`, 1]))
    await engine.presence.state('hall', people)
    const { tab, answer } = await enter('ada', 'hall', { presence: true })
    expect(answer.count).toBe(1001)
    expect(answer.users).toHaveLength(1000)
    await engine.presence.state('hall', new Map([['user 7', 0]]))
    await tab.sees('presence')
    const again = await enter('bob', 'hall', { presence: true })
    expect(again.answer.count).toBe(1001)
    expect(await presenceOf('hall')).toMatchObject({ count: 1001, connections: 2 })
  })
})

describe('a tab that asks for presence while something else is under way', () => {
  let app: TestApp
  /** Promises that reads of the last messages wait for, and statements. */
  let reads: PromiseWithResolvers<void>
  let statements: PromiseWithResolvers<void>
  /** Resolves when the last messages have been asked for. */
  let asked: PromiseWithResolvers<void>
  /** Everything that this process hears. */
  const heard: Channel[] = []
  beforeAll(async () => {
    app = await startApp({ PUBLIC_ROOMS: 'den,attic' })
    const { broker, presence } = app.app.engine
    // Stand for an engine that takes its time.
    const latest = broker.latest.bind(broker)
    broker.latest = async (...args) => {
      asked.resolve()
      await reads.promise
      return latest(...args)
    }
    const state = presence.state.bind(presence)
    presence.state = async (...args) => {
      await statements.promise
      return state(...args)
    }
    const subscribe = broker.subscribe.bind(broker)
    broker.subscribe = (channel, handler) => {
      heard.push(channel)
      return subscribe(channel, handler)
    }
    const unsubscribe = broker.unsubscribe.bind(broker)
    broker.unsubscribe = (channel, handler) => {
      heard.splice(heard.indexOf(channel), 1)
      unsubscribe(channel, handler)
    }
  })
  beforeEach(() => {
    reads = Promise.withResolvers()
    statements = Promise.withResolvers()
    asked = Promise.withResolvers()
  })
  afterAll(() => app.close())

  const withPresence = { presence: true, last: 1 }

  test('outlives the statement that it waits for', async () => {
    const tab = await app.tab('ada').connected()
    const answer = tab.ask('subscribe', 'den', withPresence)
    await asked.promise
    reads.resolve()
    // It has begun to wait by then.
    setImmediate(statements.resolve)
    expect(await answer).toMatchObject({ ok: true, users: ['ada'], count: 1 })
    await app.tab('bob').ask('subscribe', 'den')
    expect(await tab.sees('presence')).toMatchObject([{ user: 'bob', action: 'join', count: 2 }])
  })

  test('says nothing of a room that is no longer granted', async () => {
    statements.resolve()
    for (const user of ['ada', 'bob']) await app.join(user, 'club')
    const tab = await app.tab('ada').connected()
    const answer = tab.ask('subscribe', 'club', withPresence)
    await asked.promise
    await app.expel('ada', 'club')
    await tab.sees('unsubscribed')
    reads.resolve()
    expect(await answer).toMatchObject({ ok: false, error: { code: 'room_forbidden' } })
    const other = await app.tab('bob').connected()
    await other.ask('subscribe', 'club', withPresence)
    await app.app.engine.presence.state('club', new Map([['cem', 1]]))
    await other.sees('presence')
    await app.notify('ada', { title: 'a mark' })
    await tab.sees('notification')
    expect(tab.all('presence')).toEqual([])
  })

  test('does not end a membership that is granted anew', async () => {
    statements.resolve()
    await app.join('dan', 'yard')
    const tab = await app.tab('dan').connected()
    const answer = tab.ask('subscribe', 'yard', withPresence)
    await asked.promise
    await app.expel('dan', 'yard')
    await app.join('dan', 'yard')
    await tab.sees('subscribed')
    reads.resolve()
    expect(await answer).toMatchObject({ ok: false, error: { code: 'room_forbidden' } })
    await app.message('yard', { body: 'heard' })
    expect(await tab.sees('message')).toMatchObject([{ body: 'heard' }])
  })

  test('leaves nothing behind when its tab goes', async () => {
    statements.resolve()
    const tab = await app.tab('eve').connected()
    const before = app.app.hub.counts.connections
    void tab.ask('subscribe', 'attic', withPresence).catch(() => undefined)
    await asked.promise
    tab.close()
    await until(async () => app.app.hub.counts.connections === before - 1, 3000)
    reads.resolve()
    await app.tab('fay').connected()
    expect(heard).not.toContain('room:attic')
  })
})
