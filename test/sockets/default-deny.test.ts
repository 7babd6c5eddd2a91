import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import type { TestTab } from '../support/tab.ts'

describe('a room that was not granted', () => {
  let app: TestApp
  let tab: TestTab
  beforeAll(async () => {
    app = await startApp({ PUBLIC_ROOMS: 'square' })
    await app.message('secret', { body: 'for members' })
    await app.join('bob', 'secret', { publish: true })
    const bob = await app.tab('bob').connected()
    await bob.ask('subscribe', 'secret', { presence: true })
    tab = await app.tab('eve').connected()
  })
  afterAll(() => app.close())

  /** The answers to a stranger about the room, and about one that does not exist. */
  const both = (ask: (room: string) => Promise<unknown>) => Promise.all(['secret', 'nothing'].map(ask))

  test.each([
    ['subscribe', [{}]],
    ['subscribe', [{ last: 10 }]],
    ['subscribe', [{ since: { seq: 0 } }]],
    ['subscribe', [{ presence: true }]],
    ['publish', [{ body: 'x' }]],
    ['publish', [{ body: 'x' }, { idempotencyKey: 'k' }]],
  ])('%s %j tells nothing, not even whether it exists', async (event, args) => {
    const [secret, nothing] = await both((room) => tab.ask(event, room, ...args))
    expect(secret).toEqual(nothing)
    expect(secret).toMatchObject({ ok: false, error: { code: 'room_forbidden', temporary: false } })
  })

  test('unsubscribe and a resume reveal nothing either, and nothing of it is heard', async () => {
    expect(await both((room) => tab.ask('unsubscribe', room))).toEqual([{ ok: true }, { ok: true }])
    const rooms = { secret: { seq: 0 }, nothing: { seq: 0 } }
    const resumed = app.tab('eve', { since: { rooms } })
    const told = await resumed.sees('unsubscribed', 2)
    expect(told.map(({ code }) => code)).toEqual(['room_forbidden', 'room_forbidden'])
    await app.message('secret', { body: 'x' })
    await app.notify('eve', { title: 'heard' })
    await Promise.all([tab.sees('notification'), resumed.sees('notification')])
    for (const { seen } of [tab, resumed])
      expect(seen.filter(({ event }) => event === 'message' || event === 'presence')).toEqual([])
  })

  test('over HTTP the token of a user opens no room', async () => {
    const calls = (room: string) =>
      Promise.all(
        [
          ['GET', `/rooms/${room}/messages`],
          ['POST', `/rooms/${room}/messages`],
          ['GET', `/rooms/${room}/presence`],
          ['PUT', `/rooms/${room}/members/eve`],
          ['DELETE', `/rooms/${room}/members/bob`],
        ].map(async ([method, path]) => {
          const response = await fetch(app.url + path, {
            method: method!,
            headers: { authorization: `Bearer ${app.token('eve')}` },
          })
          const { code } = (await response.json()) as { code: string }
          return `${response.status} ${code}`
        }),
      )
    const [secret, nothing] = await both(calls)
    expect(secret).toEqual(nothing)
    expect(secret).toEqual(Array.from({ length: 5 }, () => '401 token_invalid'))
  })
})
