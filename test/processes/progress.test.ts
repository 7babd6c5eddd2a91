import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'

/** Milliseconds of reports on the task before the process is killed, and after it. */
const HALF = isLong ? 5000 : 1000
/** Number of updates that are under way at once. */
const LANES = 8
const JWT_SECRET = 'k'.repeat(40)

/** A backend that reports on a task at speed; updates may overtake each other on their way. */
class Task {
  sent = 0
  /** The highest version that was answered with success. */
  acknowledged = 0
  answers = 0

  /** Reports until the time is over, or until the server is gone; `answered` is called after each answer. */
  async run(server: Tabcast, time: number, answered: () => void = () => undefined): Promise<void> {
    const end = performance.now() + time
    const lane = async (): Promise<void> => {
      while (performance.now() < end && (await this.report(server, 'running'))) {
        this.answers++
        answered()
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
  }

  /** Resolves to whether it was answered. */
  async report({ url, apiKey }: Tabcast, status: string): Promise<boolean> {
    const version = ++this.sent
    const progress = { status, value: version, max: 1e9 }
    try {
      const response = await fetch(`${url}/notify/ada`, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ title: 'Export', tag: 'export', version, progress }),
      })
      const text = await response.text()
      if (!response.ok) throw new Refused(`${response.status} ${text}`)
    } catch (error) {
      if (error instanceof Refused) throw error
      return false
    }
    this.acknowledged = Math.max(this.acknowledged, version)
    return true
  }
}

class Refused extends Error {}

describe.each(['embedded', 'redis'])(
  'a task that reports at speed to a process that is killed, on %s',
  (engine) => {
    let directory: string
    let redis: RedisServer | undefined
    let env: Record<string, string>
    const tabs: TestTab[] = []

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'tabcast-progress-'))
      redis = engine === 'redis' ? await startRedis() : undefined
      env = {
        JWT_SECRET,
        API_KEYS: `test:${'k'.repeat(32)}`,
        DATA: join(directory, 'tabcast.db'),
        ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
      }
    })
    afterAll(async () => {
      await redis?.stop()
      await rm(directory, { recursive: true, force: true })
    })

    const open = (server: Tabcast, since: object): TestTab => {
      const tab = new TestTab(server.url, { token: browserToken(JWT_SECRET, { user: 'ada' }), since })
      tabs.push(tab)
      return tab
    }

    test('no acknowledged update is lost, the inbox has one entry, and who comes later gets one event', async () => {
      let server = await startTabcast(env)
      try {
        const task = new Task()
        const witness = open(server, { seq: 0 })
        const [{ seq, epoch }] = await witness.sees('position')
        witness.since = { seq, epoch }
        witness.socket.on('notification', ({ seq, epoch }) => {
          witness.since = { seq, epoch }
        })
        const began = performance.now()
        const halfway = Promise.withResolvers<void>()
        const running = task.run(server, 10 * HALF, () => {
          if (performance.now() > began + HALF) halfway.resolve()
        })
        await halfway.promise
        await server.kill()
        await running
        const { acknowledged, answers } = task
        expect(answers).toBeGreaterThan(20)

        server = await startTabcast(env, { port: server.port })
        const first = await open(server, {}).connected()
        const { items } = await first.ask('inbox')
        expect(items).toHaveLength(1)
        expect(items[0].version).toBeGreaterThanOrEqual(acknowledged)
        expect(items[0].progress.value).toBe(items[0].version)

        await task.run(server, HALF)
        await task.report(server, 'succeeded')
        const late = open(server, { seq: 0 })
        expect(await late.sees('position')).toMatchObject([{ unread: 1, unseen: 1 }])
        expect(late.all('notification')).toMatchObject([
          { id: items[0].id, version: task.sent, progress: { status: 'succeeded' }, unread: 1, alert: false },
        ])
        expect(await late.ask('inbox')).toMatchObject({ items: [{ version: task.sent }], unread: 1 })

        const isOver = () => witness.all('notification').at(-1)?.version === task.sent
        while (!isOver()) await witness.sees('notification', witness.all('notification').length + 1)
        const seqs = witness.all('notification').map((heard) => heard.seq)
        expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
        // Two seconds of four, the first, one after the restart, and the last.
        const seconds = (performance.now() - began) / 1000
        expect(seqs.length).toBeLessThanOrEqual(Math.ceil(seconds * 4) + 3)
        expect(witness.all('gap')).toEqual([])
        process.stdout.write(
          `${engine}: ${task.answers} updates answered, ${seqs.length} shown, killed at version ${acknowledged}\n`,
        )
      } finally {
        for (const tab of tabs) tab.close()
        await server.kill()
      }
    }, 60_000)
  },
)
