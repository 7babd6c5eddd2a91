import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'

const JWT_SECRET = 's'.repeat(40)
const USERS = Array.from({ length: 10 }, (_, index) => `user-${index}`)

const notify = async (
  server: Tabcast,
  user: string,
  title: string,
): Promise<{ seq: number; epoch: string }> => {
  const response = await fetch(`${server.url}/notify/${user}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ title }),
  })
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
  return (await response.json()) as { seq: number; epoch: string }
}

describe('everything in one process, on a file', () => {
  let directory: string
  let env: Record<string, string>
  let servers: Tabcast[]
  const start = async (extra: Record<string, string> = {}) => {
    const server = await startTabcast({ ...env, ...extra })
    servers.push(server)
    return server
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tabcast-test-'))
    env = { DATA: join(directory, 'tabcast.db'), JWT_SECRET }
    servers = []
  })
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.kill()))
    await rm(directory, { recursive: true })
  })

  const tabOf = async (server: Tabcast, user: string, since: object) =>
    new TestTab(server.url, { token: await browserToken(JWT_SECRET, { user }), since })

  test('kill -9 right after 1,000 acknowledged posts: all are there, in order, once, and old cursors go on', async () => {
    const first = await start()
    const titles = Array.from({ length: 100 }, (_, index) => `no. ${index}`)
    const answers = await Promise.all(
      USERS.map(async (user) => {
        const answered = []
        for (const title of titles) answered.push(await notify(first, user, title))
        return answered
      }),
    )
    await first.kill()

    const second = await start()
    for (const [index, user] of USERS.entries()) {
      const all = await tabOf(second, user, { seq: 0 })
      const half = await tabOf(second, user, { seq: 50, epoch: answers[index]![49]!.epoch })
      await Promise.all([all.sees('position'), half.sees('position')])
      expect(all.all('notification').map(({ title }) => title)).toEqual(titles)
      expect(half.all('notification').map(({ title }) => title)).toEqual(titles.slice(50))
      expect([...all.all('gap'), ...half.all('gap')]).toEqual([])
      const next = await notify(second, user, 'after')
      expect(next.seq).toBe(101)
      for (const tab of [all, half]) {
        await tab.sees('notification', tab === all ? 101 : 51)
        tab.close()
      }
    }
  })

  test('kill -9 while acknowledgements are noted: each that was answered shows in its receipt', async () => {
    const first = await start()
    const tab = await (await tabOf(first, 'ada', {})).connected()
    for (let seq = 1; seq <= 200; seq++) await notify(first, 'ada', `no. ${seq}`)
    const shown = await tab.sees('notification', 200)
    let answered = 0
    const killed = new Promise<void>((resolve) => {
      const ask = (seq: number): void => {
        tab.socket.emit('ack', seq, () => {
          answered = Math.max(answered, seq)
          if (answered >= 60) void first.kill().then(resolve)
          // Several at a time, so that some wait for the others.
          if (seq % 3 === 0) for (const next of [1, 2, 3]) ask(seq + next)
        })
      }
      ask(3)
    })
    await killed
    tab.close()
    expect(answered).toBeGreaterThanOrEqual(60)

    const second = await start()
    const headers = { authorization: `Bearer ${second.apiKey}` }
    for (const { id } of shown.slice(0, answered)) {
      const receipt = await fetch(`${second.url}/notify/ada/${id}`, { headers })
      expect(await receipt.json()).toMatchObject({ delivered: { at: expect.any(String) } })
    }
  })

  test('a second process on the same file refuses, and says what to do', async () => {
    await start()
    const refused = await startTabcast(env, { until: 'exit' })
    expect(await refused.exited).toBe(1)
    expect(refused.output()).toContain(env.DATA)
    expect(refused.output()).toMatch(/another process/i)
    expect(refused.output()).not.toContain('    at ')
  })

  test('SIGTERM during posts and with live tabs: what was accepted is stored, tabs try again, exit code 0', async () => {
    const server = await start({ DRAIN_SECONDS: '1' })
    const tabs = await Promise.all(USERS.map(async (user) => (await tabOf(server, user, {})).connected()))
    const gone = tabs.map((tab) => tab.disconnected())
    const accepted = new Map<string, number>()
    let refused = 0
    let stopping = false
    const posting = Promise.all(
      USERS.map(async (user) => {
        while (refused === 0) {
          try {
            accepted.set(user, (await notify(server, user, 'under way')).seq)
          } catch (error) {
            // Only a process that is gone may refuse, and only by refusing the connection.
            if (!stopping || !(error instanceof TypeError)) throw error
            refused++
          }
        }
      }),
    )
    await Promise.all(tabs.map((tab) => tab.sees('notification')))
    stopping = true
    const began = Date.now()
    expect(await server.stop()).toBe(0)
    expect(Date.now() - began).toBeLessThan(10_000)
    await posting
    expect(await Promise.all(gone)).toEqual(USERS.map(() => 'transport close'))
    for (const tab of tabs) {
      expect(tab.all('going-away')).toHaveLength(1)
      expect(tab.socket.active).toBe(true)
      tab.close()
    }
    const again = await start()
    for (const user of USERS) {
      const tab = await tabOf(again, user, { seq: 0 })
      await tab.sees('position')
      expect(tab.all('notification').at(-1).seq).toBeGreaterThanOrEqual(accepted.get(user)!)
      tab.close()
    }
  })
})

describe('production', () => {
  test('refuses to start without secrets, and says how to make them', async () => {
    const refused = await startTabcast({ NODE_ENV: 'production' }, { bare: true, until: 'exit' })
    expect(await refused.exited).toBe(1)
    expect(refused.output()).toMatch(/API_KEYS/)
    expect(refused.output()).toMatch(/JWT_SECRET/)
    expect(refused.output()).toContain('openssl rand')
    expect(refused.output()).not.toContain('    at ')
  })

  test('hands out no key and no token, and no secret reaches the log', async () => {
    const server = await startTabcast({
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      LOG_LEVEL: 'trace',
      JWT_SECRET,
    })
    try {
      expect(await (await fetch(`${server.url}/`)).text()).not.toContain(server.apiKey)
      expect((await fetch(`${server.url}/demo/session?user=demo`)).status).toBe(404)
      await notify(server, 'ada', 'my secret title')
      const token = await browserToken(JWT_SECRET, { user: 'ada' })
      const tab = await new TestTab(server.url, { token }).connected()
      tab.close()
      await fetch(`${server.url}/notify/ada`, {
        method: 'POST',
        headers: { authorization: 'Bearer wrong-key' },
      })
      expect(await server.stop()).toBe(0)
      for (const secret of [server.apiKey, JWT_SECRET, token, 'my secret title', 'wrong-key'])
        expect(server.output()).not.toContain(secret)
    } finally {
      await server.kill()
    }
  })
})
