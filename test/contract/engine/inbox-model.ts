import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Hub } from '../../../src/core/delivery/hub.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import type { State } from '../../../src/core/engine/inbox.ts'
import { EVERYTHING, Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import type { Counts, Item } from '../../../src/core/model/item.ts'
import type { NotificationInput, Progress } from '../../../src/core/model/notification.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { Random } from '../../chaos/prove/random.ts'
import { report } from '../../support/engines.ts'
import { InboxPage } from '../../support/inbox-page.ts'
import { isLong } from '../../support/long.ts'
import { Recorder } from '../../support/recorder.ts'
import { until } from '../../support/until.ts'
import { ALL, type Harness, upTo } from './harness.ts'

const OPERATIONS = isLong ? 10_000 : 1000
const ACTORS = 4
/** So many that nothing is trimmed, and so few that an inbox is full. */
const COUNT = 100_000
const FEW = 15

/** One who works on a user's inbox, as a tab or a backend of the user: one random operation after the other. */
class Actor {
  readonly #user: string
  readonly #random: Random
  readonly #inboxes: Inboxes
  readonly #publisher: Publisher
  /** The ids that all of them have made. */
  readonly #ids: string[]

  constructor(user: string, engine: Engine, seed: number, ids: string[]) {
    this.#user = user
    this.#random = new Random(seed)
    this.#inboxes = new Inboxes(engine)
    this.#publisher = new Publisher(engine)
    this.#ids = ids
  }

  async work(operations: number): Promise<void> {
    for (let count = 0; count < operations; count++) await this.#operate()
  }

  async #operate(): Promise<void> {
    const random = this.#random
    if (random.happens(0.5)) await this.#notify()
    else if (random.happens(0.8)) await this.#mark()
    else await this.#inboxes.withdraw(this.#user, random.happens(0.3) ? this.#tag() : this.#someId())
  }

  async #notify(): Promise<void> {
    const random = this.#random
    const input: NotificationInput = { title: randomUUID() }
    if (random.happens(0.7)) {
      input.tag = this.#tag()
      if (random.happens(0.6)) input.progress = { status: this.#status(), value: 1 }
      if (random.happens(0.2)) input.renotify = true
      if (random.happens(0.2)) input.version = Math.floor(random.between(0, 30))
    }
    const { id } = await this.#publisher.notify(this.#user, input, { credential: 'test' })
    this.#ids.push(id)
  }

  async #mark(): Promise<void> {
    const random = this.#random
    const mark = { state: random.pick<State>(['seen', 'read', 'archived']), value: random.happens(0.6) }
    const ids = upTo(random.pick([1, 1, 1, 5, 100])).map(() => this.#someId())
    if (random.happens(0.8)) await this.#inboxes.mark(this.#user, { ...mark, ids })
    else if (random.happens(0.5)) await this.#inboxes.mark(this.#user, mark)
    else {
      const before = new Date(Date.now() - random.between(0, 500)).toISOString()
      await this.#inboxes.mark(this.#user, { ...mark, before })
    }
  }

  #tag(): string {
    return `task-${Math.floor(this.#random.between(0, 10))}`
  }

  #someId(): string {
    return this.#ids.length === 0 ? randomUUID() : this.#random.pick(this.#ids)
  }

  #status(): Progress['status'] {
    return this.#random.pick(['queued', 'running', 'running', 'running', 'succeeded', 'failed'])
  }
}

async function listAll(
  engine: Engine,
  user: string,
): Promise<{ items: Item[]; counts: Counts; seq: number }> {
  const inboxes = new Inboxes(engine)
  const items: Item[] = []
  for (let before: number | undefined; ; before = items.at(-1)!.seq) {
    const page = await inboxes.list(user, { ...EVERYTHING, before, limit: 100 })
    items.push(...page.items)
    if (page.complete) return { items, counts: { unread: page.unread, unseen: page.unseen }, seq: page.seq }
  }
}

const recount = (items: readonly Item[]): Counts => {
  const unread = items.filter(({ readAt, archivedAt }) => readAt === undefined && archivedAt === undefined)
  return { unread: unread.length, unseen: unread.filter(({ seenAt }) => seenAt === undefined).length }
}

const keptOf = ({ id, updatedAt, seenAt, readAt, archivedAt }: Item): [string, object] => [
  id,
  { updatedAt, seenAt: seenAt ?? null, readAt: readAt ?? null, archivedAt: archivedAt ?? null },
]

/** An inbox after many operations at once, and the same as pages see it that only follow. */
export function inboxModelLaw(harness: Harness): void {
  const open = (count = COUNT) => harness.open({ user: { count, seconds: 86_400 } })
  /** Several work on a user's inbox at once, on both of two engines. */
  const actorsOn = (engines: [Engine, Engine], user: string, seed: number, ids: string[]): Actor[] =>
    upTo(ACTORS).map((number) => new Actor(user, engines[number % 2]!, seed * 100 + number, ids))

  describe('an inbox that many work on at once', () => {
    test.each(upTo(isLong ? 5 : harness.isShort ? 1 : 2))(
      'agrees with its counts, and with what pages see that only follow (seed %i)',
      async (seed) => {
        const engine = await open()
        const other = harness.features.shared ? await open() : engine
        const user = randomUUID()
        const channel = userChannel(user)
        const hub = new Hub(engine, report)
        const follow = async (name: string) => {
          const tab = new Recorder(name)
          hub.open(tab)
          await (await hub.join(tab, channel)).replay({ seq: 0 })
          return tab
        }
        try {
          const tabs = [await follow('from the start')]
          const ids: string[] = []
          const actors = actorsOn([engine, other], user, seed, ids)
          await Promise.all(actors.map((actor) => actor.work(OPERATIONS / ACTORS / 2)))
          const joining = follow('from the middle')
          await Promise.all(actors.map((actor) => actor.work(OPERATIONS / ACTORS / 2)))
          tabs.push(await joining)
          tabs.push(await follow('at the end'))

          const { items, counts, seq } = await listAll(engine, user)
          expect(counts).toEqual(recount(items))
          const page = await engine.broker.since(channel, {}, ALL)
          expect(page).toMatchObject({ counts, head: { seq } })
          expect(tabs.at(-1)!.counts).toEqual([counts])
          expect(items.length).toBeGreaterThan(10)
          const kept = new Map(items.map(keptOf))
          for (const tab of tabs) {
            await until(async () => hub.subscriptionOf(tab, channel)!.position.seq === seq, 5000)
            const followed = new InboxPage()
            for (const publication of tab.heard) followed.hear(publication)
            expect(followed.items).toEqual(kept)
            expect(followed.counts).toEqual(counts)
          }
        } finally {
          hub.stop()
        }
      },
      isLong ? 300_000 : 30_000,
    )

    test.each(upTo(harness.isShort ? 1 : 2))(
      'agrees with its counts when it is full, too (seed %i)',
      async (seed) => {
        const engine = await open(FEW)
        const other = harness.features.shared ? await open(FEW) : engine
        const user = randomUUID()
        const ids: string[] = []
        for (let round = 0; round < 20; round++) {
          const actors = actorsOn([engine, other], user, seed * 100 + round, ids)
          await Promise.all(actors.map((actor) => actor.work(10)))
          const { items, counts } = await listAll(engine, user)
          expect(counts).toEqual(recount(items))
          expect(items.length).toBeLessThanOrEqual(FEW)
        }
        const { items } = await listAll(engine, user)
        expect(new Set(ids).size).toBeGreaterThan(items.length + FEW)
      },
    )

    test('a page of the log has the counts as they were at its head, and that of a room has none', async () => {
      const engine = await open()
      const user = randomUUID()
      const read = () => engine.broker.since(userChannel(user), { seq: 0 }, { entries: 1, bytes: 1 })
      expect((await read()).counts).toEqual({ unread: 0, unseen: 0 })
      const publisher = new Publisher(engine)
      for (const title of ['one', 'two', 'three'])
        await publisher.notify(user, { title }, { credential: 'test' })
      expect(await read()).toMatchObject({
        complete: false,
        head: { seq: 3 },
        counts: { unread: 3, unseen: 3 },
      })
      await new Inboxes(engine).mark(user, { state: 'seen', value: true })
      expect((await read()).counts).toEqual({ unread: 3, unseen: 0 })
      expect(await engine.broker.since(`room:${user}`, {}, ALL)).not.toHaveProperty('counts')
    })
  })
}
