import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LEAVE_PAUSE } from '../../src/core/room-people.ts'
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

  test('a watcher is told who is there, then who comes and goes: each user once, however many tabs', async () => {
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

  test('a reload is no leave, and leaving is told after a pause', async () => {
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

  test('a tab that left, or entered again without it, is told nothing more', async () => {
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
    await engine.roster.state('hall', people)
    const { tab, answer } = await enter('ada', 'hall', { presence: true })
    expect(answer.count).toBe(1001)
    expect(answer.users).toHaveLength(1000)
    await engine.roster.state('hall', new Map([['user 7', 0]]))
    await tab.sees('presence')
    const again = await enter('bob', 'hall', { presence: true })
    expect(again.answer.count).toBe(1001)
    expect(await presenceOf('hall')).toMatchObject({ count: 1001, connections: 2 })
  })
})
