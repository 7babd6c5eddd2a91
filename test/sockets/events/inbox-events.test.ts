import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { type RedisServer, startRedis } from '../../support/programs/redis.ts'

describe.each(['embedded', 'redis'])('the inbox of a tab, on %s', (engine) => {
  let redis: RedisServer | undefined
  let app: TestApp
  beforeAll(async () => {
    redis = engine === 'redis' ? await startRedis() : undefined
    app = await startApp(redis === undefined ? {} : { REDIS_URL: redis.url })
  })
  afterAll(async () => {
    await app.close()
    await redis?.stop()
  })

  const notifyMany = async (user: string, count: number): Promise<string[]> => {
    const ids: string[] = []
    for (let number = 1; number <= count; number++)
      ids.push((await app.notify(user, { title: `${number}` })).id)
    return ids
  }
  const titlesOf = ({ items }: { items: { title: string }[] }): string[] => items.map(({ title }) => title)

  test('has whole notifications, newest first, in pages, with the counts and its position', async () => {
    const tab = await app.tab('list').connected()
    expect(await tab.ask('inbox')).toMatchObject({ ok: true, items: [], unread: 0, unseen: 0, seq: 0 })
    await notifyMany('list', 25)
    const first = await tab.ask('inbox', {})
    expect(titlesOf(first)).toEqual(Array.from({ length: 20 }, (_, index) => `${25 - index}`))
    expect(first).toMatchObject({ ok: true, unread: 25, unseen: 25, seq: 25, epoch: expect.any(String) })
    const [heard] = (await tab.sees('notification', 25)).slice(-1)
    const { unread: _, unseen: __, alert: ___, ...notification } = heard
    expect(first.items[0]).toEqual(notification)
    const rest = await tab.ask('inbox', { cursor: first.nextCursor, limit: 4 })
    expect(titlesOf(rest)).toEqual(['5', '4', '3', '2'])
    const last = await tab.ask('inbox', { cursor: rest.nextCursor, limit: 1 })
    expect(titlesOf(last)).toEqual(['1'])
    expect(last).not.toHaveProperty('nextCursor')
  })

  test('can be filtered, and passes content on digit for digit', async () => {
    const tab = await app.tab('exact').connected()
    await app.postText(
      '/notify/exact',
      '{"data":{"n":9007199254740993,"e":1e400},"type":"a.b","category":"Zeit"}',
    )
    await app.app.publisher.notify('exact', { title: 'tagged', tag: 'T:1' }, { credential: 'test' })
    const raw: string[] = []
    tab.socket.io.engine.on('packet', ({ data }) => raw.push(String(data)))
    expect((await tab.ask('inbox', { type: 'a.b', category: 'Zeit' })).items).toHaveLength(1)
    expect(raw.some((text) => text.includes('"data":{"n":9007199254740993,"e":1e400}'))).toBe(true)
    expect(titlesOf(await tab.ask('inbox', { tag: 'T:1' }))).toEqual(['tagged'])
    expect(await tab.ask('mark', { all: true, read: true })).toEqual({ ok: true, unread: 0, unseen: 0 })
    for (const [status, count] of Object.entries({ active: 2, unread: 0, unseen: 0, read: 2, archived: 0 }))
      expect((await tab.ask('inbox', { status })).items).toHaveLength(count)
  })

  test('an answer is bounded, and the rest comes with its cursor', async () => {
    const tab = await app.tab('big').connected()
    for (let number = 1; number <= 20; number++)
      await app.notify('big', { title: `${number}`, data: 'x'.repeat(16_000) })
    const first = await tab.ask('inbox')
    expect(first.items).toHaveLength(15)
    expect(titlesOf(await tab.ask('inbox', { cursor: first.nextCursor }))).toEqual(['5', '4', '3', '2', '1'])
  })

  test('a mark reaches every tab of the user with the counts, also one that was away', async () => {
    const [first, second] = await Promise.all([app.tab('mark').connected(), app.tab('mark').connected()])
    const away = app.tab('mark', { since: {} })
    const [{ seq, epoch }] = await away.sees('position')
    const ids = await notifyMany('mark', 3)
    away.close()
    expect(await first.ask('mark', { ids: [ids[1]!.toUpperCase()], read: true })).toEqual({
      ok: true,
      unread: 2,
      unseen: 2,
    })
    const inbox = await first.ask('inbox')
    const before = inbox.items[0].updatedAt
    expect(await first.ask('mark', { all: true, before, seen: true })).toEqual({
      ok: true,
      unread: 2,
      unseen: 0,
    })
    const back = app.tab('mark', { since: { seq, epoch } })
    // The position was that of a log that was not yet written.
    const written = expect.not.stringContaining('.~')
    for (const tab of [first, second, back])
      expect(await tab.sees('notification:state', 2)).toEqual([
        { seq: 4, epoch: written, ids: [ids[1]], readAt: expect.any(String), unread: 2, unseen: 2 },
        { seq: 5, epoch: written, all: true, before, seenAt: expect.any(String), unread: 2, unseen: 0 },
      ])
    expect(await second.ask('mark', { all: true, read: false })).toEqual({ ok: true, unread: 3, unseen: 0 })
    expect((await second.sees('notification:state', 3))[2]).toMatchObject({
      all: true,
      readAt: null,
      unread: 3,
    })
    expect(await second.ask('mark', { ids: [], archived: true })).toEqual({ ok: true, unread: 3, unseen: 0 })
    expect(await second.ask('mark', { ids, archived: true })).toEqual({ ok: true, unread: 0, unseen: 0 })
  })

  test('a position says how many are unread and unseen, and that of a room does not', async () => {
    await notifyMany('position', 3)
    const since = { rooms: { r: {} } }
    const tab = app.tab('position', { since, grants: { rooms: ['r'] } })
    const positions = await tab.sees('position', 2)
    expect(positions.toSorted((a, b) => b.seq - a.seq)).toEqual([
      { channel: 'user:position', seq: 3, epoch: expect.any(String), unread: 3, unseen: 3 },
      { channel: 'room:r', seq: 0, epoch: expect.any(String) },
    ])
    await tab.ask('mark', { all: true, seen: true })
    const next = app.tab('position', { since: { seq: 0 } })
    expect(await next.sees('position')).toMatchObject([{ seq: 4, unread: 3, unseen: 0 }])
  })

  test('an acknowledgement feeds the receipt, and reaches no further than what was sent', async () => {
    const tab = app.tab('ack', { since: {} })
    await tab.sees('position')
    expect(await tab.ask('ack', 1)).toMatchObject({ ok: false, error: { code: 'invalid_request' } })
    const [first, second] = await notifyMany('ack', 2)
    await tab.sees('notification', 2)
    expect(await tab.ask('ack', 3)).toMatchObject({ ok: false, error: { code: 'invalid_request' } })
    expect(await tab.ask('ack', 1)).toEqual({ ok: true })
    const delivered = async (id: string) => (await app.app.engine.inbox.find('user:ack', id))?.deliveredAt
    expect(await delivered(first!)).toEqual(expect.any(String))
    expect(await delivered(second!)).toBeUndefined()
    expect(await tab.ask('ack', 2)).toEqual({ ok: true })
    expect(await delivered(second!)).toEqual(expect.any(String))
  })

  test.each<[how: string, user: string, since: object | undefined]>([
    ['without a cursor', 'late', undefined],
    ['from now', 'later', {}],
  ])('who joined %s acknowledges nothing from before, until it has listed it', async (_, user, since) => {
    const ids = await notifyMany(user, 2)
    const tab = await app.tab(user, { since }).connected()
    ids.push(...(await notifyMany(user, 1)))
    await tab.sees('notification')
    const delivered = async (): Promise<boolean[]> =>
      Promise.all(
        ids.map(
          async (id) => (await app.app.engine.inbox.find(`user:${user}`, id))?.deliveredAt !== undefined,
        ),
      )
    for (const seq of [2, 3]) expect(await tab.ask('ack', seq)).toEqual({ ok: true })
    expect(await delivered()).toEqual([false, false, true])
    // These leave out some of what came before.
    for (const query of [{ limit: 1 }, { status: 'archived' }]) await tab.ask('inbox', query)
    expect(await tab.ask('ack', 2)).toEqual({ ok: true })
    expect(await delivered()).toEqual([false, false, true])
    await tab.ask('inbox')
    expect(await tab.ask('ack', 1)).toEqual({ ok: true })
    expect(await delivered()).toEqual([true, false, true])
    const other = app.tab(user, { since: { seq: 0 } })
    await other.sees('position')
    expect(await other.ask('ack', 3)).toEqual({ ok: true })
    expect(await delivered()).toEqual([true, true, true])
  })

  test('one user marks and sees nothing of another', async () => {
    const [id] = await notifyMany('mine', 1)
    const other = await app.tab('yours').connected()
    expect(await other.ask('mark', { ids: [id], read: true })).toEqual({ ok: true, unread: 0, unseen: 0 })
    expect(await other.ask('inbox')).toMatchObject({ items: [] })
    expect(await (await app.tab('mine').connected()).ask('inbox')).toMatchObject({ unread: 1 })
  })
})

describe('what the events of the inbox refuse', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ ANONYMOUS: 'on' })
  })
  afterAll(() => app.close())

  const id = randomUUID()
  const ids = (count: number) => Array.from({ length: count }, () => randomUUID())
  const refused = { ok: false, error: { code: 'invalid_request' } }

  test.each<[what: string, event: string, argument: unknown]>([
    ['options that are a list', 'inbox', []],
    ['options that are a number', 'inbox', 20],
    ['an unknown option', 'inbox', { state: 'read' }],
    ['an unknown status', 'inbox', { status: 'new' }],
    ['a status that is a list', 'inbox', { status: ['read'] }],
    ['an empty category', 'inbox', { category: '' }],
    ['a category of 65 characters', 'inbox', { category: '😀'.repeat(65) }],
    ['a category with a lone surrogate', 'inbox', { category: '\ud800' }],
    ['a type in capitals', 'inbox', { type: 'A' }],
    ['a type of 101 characters', 'inbox', { type: 'a'.repeat(101) }],
    ['a tag with a space', 'inbox', { tag: 'a b' }],
    ['a tag of 65 characters', 'inbox', { tag: 'a'.repeat(65) }],
    ['a tag that looks like an id', 'inbox', { tag: id }],
    ['a limit of 0', 'inbox', { limit: 0 }],
    ['a limit of 101', 'inbox', { limit: 101 }],
    ['a limit as text', 'inbox', { limit: '5' }],
    ['a limit that is no integer', 'inbox', { limit: 1.5 }],
    ['a cursor of nobody', 'inbox', { cursor: 'abc' }],
    ['a cursor that is a number', 'inbox', { cursor: 5 }],
    ['a cursor below the first', 'inbox', { cursor: Buffer.from('{"before":0}').toString('base64url') }],
    ['nothing to mark', 'mark', undefined],
    ['no state', 'mark', { ids: [id] }],
    ['two states', 'mark', { ids: [id], read: true, seen: true }],
    ['a state that is no boolean', 'mark', { ids: [id], read: 1 }],
    ['neither ids nor all', 'mark', { read: true }],
    ['ids and all', 'mark', { ids: [id], all: true, read: true }],
    ['all that is false', 'mark', { all: false, read: true }],
    ['before without all', 'mark', { ids: [id], before: '2026-01-01T00:00:00Z', read: true }],
    ['before without a zone', 'mark', { all: true, before: '2026-01-01T00:00:00', read: true }],
    ['before that is no time', 'mark', { all: true, before: '2026-13-01T00:00:00Z', read: true }],
    ['before that is a number', 'mark', { all: true, before: 0, read: true }],
    ['ids that are one', 'mark', { ids: id, read: true }],
    ['an id that is none', 'mark', { ids: ['tag'], read: true }],
    ['an id that is a number', 'mark', { ids: [7], read: true }],
    ['1001 ids', 'mark', { ids: ids(1001), read: true }],
    ['an unknown field', 'mark', { ids: [id], read: true, at: 'now' }],
    ['no seq', 'ack', undefined],
    ['a seq of 0', 'ack', 0],
    ['a seq as text', 'ack', '1'],
    ['a seq that is no integer', 'ack', 1.5],
  ])('%s', async (_what, event, argument) => {
    const tab = await app.tab('ada').connected()
    expect(await tab.ask(event, ...(argument === undefined ? [] : [argument]))).toMatchObject(refused)
    expect(tab.socket.connected).toBe(true)
  })

  test.each<[what: string, event: string, argument: unknown]>([
    ['nothing', 'inbox', undefined],
    ['null', 'inbox', null],
    ['a category of 64 characters', 'inbox', { category: '😀'.repeat(64) }],
    ['a type of 100 characters', 'inbox', { type: 'a'.repeat(100) }],
    ['a tag of 64 characters', 'inbox', { tag: 'a'.repeat(64) }],
    ['a limit of 1', 'inbox', { limit: 1 }],
    ['a limit of 100', 'inbox', { limit: 100 }],
    ['1000 ids', 'mark', { ids: ids(1000), read: true }],
    ['all before a time', 'mark', { all: true, before: '2026-01-01t00:00:00.5+02:00', read: true }],
  ])('and what they allow: %s', async (_what, event, argument) => {
    const tab = await app.tab('ada').connected()
    expect(await tab.ask(event, argument)).toMatchObject({ ok: true, unread: 0, unseen: 0 })
  })

  test('a connection without a token has no inbox, and gets an error', async () => {
    const tab = await app.tabWith({}).connected()
    for (const [event, argument] of [
      ['inbox', {}],
      ['mark', { all: true, read: true }],
      ['ack', 1],
    ] as const)
      expect(await tab.ask(event, argument)).toMatchObject({
        ok: false,
        error: { code: 'token_missing', detail: expect.stringContaining('no inbox') },
      })
  })
})
