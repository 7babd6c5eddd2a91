import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'

/** In milliseconds. */
const START_PATIENCE = 90_000
const CHAT_PATIENCE = 60_000

const JWT_SECRET = 's'.repeat(40)

/** Of the chat. */
const MEMBERS = isLong ? 1000 : 300

/** One api and some workers on a Redis of their own. */
class Stage {
  readonly #tabs: TestTab[] = []
  redis!: RedisServer
  api!: Tabcast
  readonly workers: Tabcast[] = []

  async start(workers: number): Promise<void> {
    this.redis = await startRedis()
    const env = { REDIS_URL: this.redis.url, JWT_SECRET, MAX_CONNECTS_PER_SECOND: '10000' }
    this.api = await startTabcast({ ...env, ROLE: 'api' })
    // One after the other: a busy machine would let all of them wait too long for each other.
    while (this.workers.length < workers) this.workers.push(await startTabcast({ ...env, ROLE: 'worker' }))
  }

  async stop(): Promise<void> {
    this.closeTabs()
    await Promise.all([this.api, ...this.workers].map((server) => server.kill()))
    await this.redis.stop()
  }

  closeTabs(): void {
    for (const tab of this.#tabs.splice(0)) tab.close()
  }

  tab(
    worker: number,
    user: string,
    extra: { rooms?: string[]; publish?: string[]; since?: object } = {},
  ): TestTab {
    const { since, ...grants } = extra
    const token = browserToken(JWT_SECRET, { user, ...grants })
    const tab = new TestTab(this.workers[worker]!.url, { token, since, reconnection: false })
    this.#tabs.push(tab)
    return tab
  }

  async call(method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
    const response = await fetch(this.api.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.api.apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, text: await response.text() }
  }

  async presenceOf(room: string): Promise<{ users: { user: string; connections: number }[]; count: number }> {
    return JSON.parse((await this.call('GET', `/rooms/${room}/presence`)).text)
  }
}

describe('rooms on two workers', () => {
  const stage = new Stage()
  beforeAll(() => stage.start(2), START_PATIENCE)
  afterEach(() => stage.closeTabs())
  afterAll(() => stage.stop())

  test('a grant reaches the tabs on both, and its end too', async () => {
    const tabs = await Promise.all([0, 1].map((worker) => stage.tab(worker, 'ada').connected()))
    expect((await stage.call('PUT', '/rooms/den/members/ada', { publish: true })).status).toBe(204)
    for (const tab of tabs) await tab.sees('subscribed')
    expect(await tabs[0]!.ask('publish', 'den', { body: 'Hello' })).toMatchObject({ ok: true, seq: 1 })
    for (const tab of tabs)
      expect(await tab.sees('message')).toMatchObject([{ from: 'ada', body: 'Hello', seq: 1 }])
    await stage.call('DELETE', '/rooms/den/members/ada')
    for (const tab of tabs) await tab.sees('unsubscribed')
    expect(await tabs[1]!.ask('publish', 'den', { body: 'x' })).toMatchObject({
      error: { code: 'room_forbidden' },
    })
  })

  test('a user who goes from one worker to the other has not left', async () => {
    const rooms = ['yard']
    const watcher = await stage.tab(0, 'ada', { rooms }).connected()
    await watcher.ask('subscribe', 'yard', { presence: true })
    const before = await stage.tab(0, 'bob', { rooms }).connected()
    await before.ask('subscribe', 'yard')
    // Ada's own coming is in the answer to her, or follows it.
    const bobs = () => watcher.all('presence').filter(({ user }) => user === 'bob')
    await until(async () => bobs().length === 1, 5000)
    before.close()
    const after = await stage.tab(1, 'bob', { rooms }).connected()
    await after.ask('subscribe', 'yard')
    await until(
      async () =>
        (await stage.presenceOf('yard')).users.some(
          ({ user, connections }) => user === 'bob' && connections === 1,
        ),
      5000,
    )
    after.close()
    await until(async () => bobs().length === 2, 15_000)
    expect(bobs().map(({ action, count }) => `${action} ${count}`)).toEqual(['join 2', 'leave 1'])
  })

  test('a store that was wiped: grants are gone, and who is there is stated again', async () => {
    const rooms = ['open']
    const tab = await stage.tab(0, 'cem', { rooms }).connected()
    await tab.ask('subscribe', 'open')
    await stage.call('PUT', '/rooms/club/members/cem')
    await tab.sees('subscribed')
    const client = new Redis(stage.redis.url)
    await client.flushall()
    client.disconnect()
    expect(await tab.sees('unsubscribed')).toEqual([{ room: 'club', code: 'room_forbidden' }])
    await until(async () => (await stage.presenceOf('open')).count === 1, 5000)
    await stage.call('PUT', '/rooms/club/members/cem')
    await tab.sees('subscribed', 2)
  })
})

describe('rooms on four workers', () => {
  const stage = new Stage()
  beforeAll(() => stage.start(4), START_PATIENCE)
  afterEach(() => stage.closeTabs())
  afterAll(() => stage.stop())

  test(
    `a chat of ${MEMBERS} members: everybody sees every message once, in one order`,
    async () => {
      const SPEAKERS = 20
      const users = Array.from({ length: MEMBERS }, (_, index) => `member ${index}`)
      await Promise.all(
        users.map((user, index) =>
          stage.call('PUT', `/rooms/chat/members/${encodeURIComponent(user)}`, { publish: index < SPEAKERS }),
        ),
      )
      const tabs = await Promise.all(users.map((user, index) => stage.tab(index % 4, user).connected()))
      await until(async () => (await stage.presenceOf('chat')).count === MEMBERS, 30_000)
      const answers = await Promise.all(
        tabs.slice(0, SPEAKERS).map((tab, index) => tab.ask('publish', 'chat', { data: index })),
      )
      const order = answers
        .map(({ seq }, index) => ({ seq, index }))
        .sort((one, other) => one.seq - other.seq)
        .map(({ index }) => index)
      for (const tab of tabs) await tab.sees('message', SPEAKERS)
      await stage.call('POST', '/rooms/chat/messages', { data: 'last' })
      for (const tab of tabs) {
        const heard = await tab.sees('message', SPEAKERS + 1)
        expect(heard.map(({ data }) => data)).toEqual([...order, 'last'])
        expect(heard.map(({ seq }) => seq)).toEqual(heard.map((_, index) => index + 1))
      }
      expect(await tabs[SPEAKERS]!.ask('publish', 'chat', { body: 'x' })).toMatchObject({ ok: false })
    },
    CHAT_PATIENCE,
  )

  test('the people of a killed worker leave within ten seconds, and each is reported once', async () => {
    const rooms = ['hall']
    const watchers = await Promise.all(
      [0, 1, 2].map(async (worker) => {
        const tab = await stage.tab(worker, `watcher ${worker}`, { rooms }).connected()
        await tab.ask('subscribe', 'hall', { presence: true })
        return tab
      }),
    )
    const people = await Promise.all(
      ['bob', 'cem', 'dan'].map(async (user) => {
        const tab = await stage.tab(3, user, { rooms }).connected()
        await tab.ask('subscribe', 'hall')
        return tab
      }),
    )
    // One of them is on another worker as well, and stays.
    await (await stage.tab(0, 'dan', { rooms }).connected()).ask('subscribe', 'hall')
    expect((await stage.presenceOf('hall')).count).toBe(6)
    const killed = Date.now()
    await stage.workers[3]!.kill()
    const leaves = (tab: TestTab) =>
      tab
        .all('presence')
        .filter(({ action }) => action === 'leave')
        .map(({ user }) => user)
    await until(async () => watchers.every((tab) => leaves(tab).length >= 2), 11_000)
    expect(Date.now() - killed).toBeLessThan(10_000)

    // A grant at once after the kill reaches those that are alive, and comes after whatever else would have come.
    await stage.call('PUT', '/rooms/late/members/watcher%201')
    await watchers[1]!.sees('subscribed')
    await stage.call('DELETE', '/rooms/late/members/watcher%201')
    await watchers[1]!.sees('unsubscribed')
    await (await stage.tab(0, 'eli', { rooms }).connected()).ask('subscribe', 'hall')
    for (const tab of watchers) {
      await until(async () => tab.all('presence').some(({ user }) => user === 'eli'), 2000)
      expect(leaves(tab).sort()).toEqual(['bob', 'cem'])
    }
    for (const tab of people) expect(tab.socket.connected).toBe(false)
    expect((await stage.presenceOf('hall')).count).toBe(5)
  })
})
