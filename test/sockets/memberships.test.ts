import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'

describe('members of rooms', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ MAX_ROOMS_PER_CONNECTION: '3', PUBLIC_ROOMS: 'square', JOIN_ROOMS: 'all' })
  })
  afterAll(() => app.close())

  const bodiesOf = (messages: { body: string }[]): string[] => messages.map(({ body }) => body)

  test('open tabs join when the user becomes a member, and leave when it ends', async () => {
    const [one, two, other] = await Promise.all(
      ['ada', 'ada', 'eve'].map((user) => app.tab(user).connected()),
    )
    expect(await app.join('ada', 'den')).toBe(204)
    for (const tab of [one!, two!])
      expect(await tab.sees('subscribed')).toEqual([{ room: 'den', seq: 0, epoch: expect.any(String) }])
    await app.message('den', { body: 'hello' })
    for (const tab of [one!, two!]) expect(bodiesOf(await tab.sees('message'))).toEqual(['hello'])
    expect(await app.expel('ada', 'den')).toBe(204)
    for (const tab of [one!, two!])
      expect(await tab.sees('unsubscribed')).toEqual([{ room: 'den', code: 'room_forbidden' }])
    await app.message('den', { body: 'unheard' })
    await app.notify('ada', { title: 'heard' })
    await one!.sees('notification')
    expect(bodiesOf(one!.all('message'))).toEqual(['hello'])
    expect(other!.seen).toEqual([])
  })

  test('a tab that is still joining when it ends hears that it does, too, and nothing else', async () => {
    const tab = await app.tab('hal').connected()
    for (let time = 1; time <= 10; time++) {
      expect(await app.join('hal', 'brief')).toBe(204)
      expect(await app.expel('hal', 'brief')).toBe(204)
      expect(await tab.sees('unsubscribed', time)).toHaveLength(time)
    }
    await app.message('brief', { body: 'unheard' })
    await app.notify('hal', { title: 'heard' })
    await tab.sees('notification')
    expect(tab.all('message')).toEqual([])
  })

  test('tabs that connect later are there from the start, and go on where since says', async () => {
    await app.join('bob', 'attic')
    const plain = await app.tab('bob').connected()
    const first = await app.message('attic', { body: '1' })
    expect(bodiesOf(await plain.sees('message'))).toEqual(['1'])
    expect(plain.seen.map(({ event }) => event)).toEqual(['message'])
    await app.message('attic', { body: '2' })
    const since = { rooms: { attic: { seq: first.seq, epoch: first.epoch } } }
    const resumed = app.tab('bob', { since })
    await resumed.sees('position', 2)
    await app.message('attic', { body: '3' })
    expect(bodiesOf(await resumed.sees('message', 2))).toEqual(['2', '3'])
    await app.expel('bob', 'attic')
    const late = app.tab('bob', { since })
    expect(await late.sees('unsubscribed')).toEqual([{ room: 'attic', code: 'room_forbidden' }])
    expect(late.all('message')).toEqual([])
  })

  test('history and the last messages are open to a member', async () => {
    for (const body of ['1', '2', '3']) await app.message('club', { body })
    const tab = await app.tab('cem').connected()
    expect(await tab.ask('subscribe', 'club', { last: 2 })).toMatchObject({ ok: false })
    await app.join('cem', 'club')
    await tab.sees('subscribed')
    const state = await tab.ask('subscribe', 'club', { last: 2 })
    expect(bodiesOf(state.messages)).toEqual(['2', '3'])
    const all = await tab.ask('subscribe', 'club', { since: { seq: 0 } })
    expect(bodiesOf(all.messages)).toEqual(['1', '2', '3'])
  })

  test('who leaves by unsubscribe stays out until the next connection, or until it is granted anew', async () => {
    await app.join('dan', 'yard')
    const tab = await app.tab('dan').connected()
    await tab.ask('unsubscribe', 'yard')
    // What changes nothing brings it back no more than what changes something else.
    await app.join('dan', 'yard')
    await app.join('dan', 'other')
    await tab.sees('subscribed')
    await app.message('yard', { body: 'unheard' })
    await app.notify('dan', { title: 'a mark' })
    await tab.sees('notification')
    expect(tab.all('message')).toEqual([])
    await app.join('dan', 'yard', { publish: true })
    await tab.sees('subscribed', 2)
    await app.message('yard', { body: 'heard' })
    expect(bodiesOf(await tab.sees('message'))).toEqual(['heard'])
    await tab.ask('unsubscribe', 'yard')
    expect(await tab.ask('subscribe', 'yard')).toMatchObject({ ok: true })
  })

  test('a room that the token or the configuration grants as well is kept', async () => {
    const tab = await app.tab('eli', { grants: { rooms: ['lab'] } }).connected()
    for (const room of ['lab', 'square']) await tab.ask('subscribe', room)
    for (const room of ['lab', 'square', 'all']) await app.join('eli', room)
    for (const room of ['lab', 'square', 'all']) await app.expel('eli', room)
    for (const room of ['lab', 'square', 'all']) await app.message(room, { body: room })
    expect(bodiesOf(await tab.sees('message', 3)).sort()).toEqual(['all', 'lab', 'square'])
    expect(tab.all('unsubscribed')).toEqual([])
    expect(tab.all('subscribed')).toEqual([])
  })

  test('a user may be a member of so many rooms, besides those that the connection subscribes', async () => {
    for (const room of ['m1', 'm2', 'm3']) expect(await app.join('fay', room)).toBe(204)
    expect(await app.join('fay', 'm4')).toBe(409)
    expect(await app.join('fay', 'm3')).toBe(204)
    const tab = await app.tab('fay', { grants: { rooms: ['t*'] } }).connected()
    for (const room of ['t1', 't2']) expect(await tab.ask('subscribe', room)).toMatchObject({ ok: true })
    // JOIN_ROOMS has the third place.
    expect(await tab.ask('subscribe', 't3')).toMatchObject({ error: { code: 'too_many_rooms' } })
    expect(await tab.ask('subscribe', 'm1')).toMatchObject({ ok: true })
    await app.message('m2', { body: 'm2' })
    expect(bodiesOf(await tab.sees('message'))).toEqual(['m2'])
    // A page that keeps its positions in all of them comes back with all of them.
    const rooms = Object.fromEntries(['m1', 'm2', 'm3', 't1', 't2'].map((room) => [room, { seq: 0 }]))
    const back = await app.tab('fay', { grants: { rooms: ['t*'] }, since: { rooms } }).connected()
    expect(bodiesOf(await back.sees('message'))).toEqual(['m2'])
    const over = app.tab('fay', { grants: { rooms: ['t*'] }, since: { rooms: { ...rooms, t3: { seq: 0 } } } })
    await expect(over.connected()).rejects.toMatchObject({ data: { code: 'too_many_rooms' } })
  })

  test('a page that keeps its positions in rooms which its user lost comes back, and learns which it no longer hears', async () => {
    const rooms = Object.fromEntries(['m1', 'm2', 'm3', 't1', 't2'].map((room) => [room, { seq: 0 }]))
    const options = { grants: { rooms: ['t*'] }, since: { rooms } }
    const tab = await app.tab('hal', options).connected()
    expect((await tab.sees('unsubscribed', 3)).map(({ room }) => room).sort()).toEqual(['m1', 'm2', 'm3'])
    expect((await tab.sees('position', 4)).map(({ channel }) => channel).sort()).toEqual([
      'room:all',
      'room:t1',
      'room:t2',
      'user:hal',
    ])
  })

  test('a revoked user is in no room', async () => {
    await app.join('gil', 'den')
    const tab = await app.tab('gil').connected()
    const gone = tab.disconnected()
    await app.post('/users/gil/disconnect', { revoke: true })
    expect(await gone).toBe('io server disconnect')
    await expect(app.tab('gil').connected()).rejects.toMatchObject({ data: { code: 'token_revoked' } })
  })
})

test('who leaves a room and is granted it anew while it is entered learns once from where it hears it', async () => {
  const app = await startApp()
  try {
    const { connections } = app.app.engine
    const announce = connections.announce.bind(connections)
    const entered = Promise.withResolvers<void>()
    const pause = Promise.withResolvers<void>()
    // Stands for an engine that takes its time.
    connections.announce = async (channel, count) => {
      if (channel === 'room:den' && count > 0) {
        entered.resolve()
        await pause.promise
      }
      return announce(channel, count)
    }
    const { seq, epoch } = await app.message('den', { body: 'before' })
    const tab = await app.tab('ada').connected()
    await app.join('ada', 'den')
    await entered.promise
    await app.expel('ada', 'den')
    await app.join('ada', 'den')
    await tab.sees('unsubscribed')
    pause.resolve()
    await tab.sees('subscribed')
    await app.message('den', { body: 'hello' })
    await tab.sees('message')
    expect(tab.all('subscribed')).toEqual([{ room: 'den', seq, epoch }])
  } finally {
    await app.close()
  }
})
