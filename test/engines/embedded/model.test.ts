import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { draftNotification } from '../../../src/core/drafts/notification.ts'
import { openRemovalDraft, stateDraft } from '../../../src/core/drafts/server.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { INBOX_STATUSES, type InboxQuery, STATES, type State } from '../../../src/core/engine/inbox.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import type { NotificationInput } from '../../../src/core/model/notification.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { createEmbeddedEngine } from '../../../src/engines/embedded/engine.ts'
import { Random } from '../../chaos/prove/random.ts'
import { ALL, PLENTY } from '../../contract/engine/harness.ts'
import { report } from '../../support/engines.ts'
import { isLong } from '../../support/long.ts'
import { InboxModel } from './inbox-model.ts'

const OPERATIONS = isLong ? 10_000 : 600
const COUNT = 60
const SECONDS = 3600
const USER = 'ada'
const CHANNEL = userChannel(USER)

let dir: string
let engine: Engine

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tabcast-model-'))
  // The clock is ours, and nothing but our calls looks for what has ended.
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'], now: Date.now() })
  await open()
})

afterEach(async () => {
  vi.useRealTimers()
  await engine.close()
  await rm(dir, { recursive: true, force: true })
})

async function open(): Promise<void> {
  const retention = { user: { count: COUNT, seconds: SECONDS }, room: PLENTY }
  engine = await createEmbeddedEngine({
    path: join(dir, 'tabcast.db'),
    durability: 'process',
    retention,
    report,
  })
}

/** Does something at random to the inbox and to the model of it. */
async function operate(random: Random, model: InboxModel): Promise<void> {
  const someId = () =>
    model.items.length > 0 && random.happens(0.9) ? random.pick(model.items).id : randomUUID()
  const at = new Date().toISOString()
  const kind = random.between(0, 100)
  if (kind < 55) {
    const input: NotificationInput = { title: randomUUID() }
    if (random.happens(0.3)) input.tag = `t${Math.floor(random.between(0, 8))}`
    if (input.tag !== undefined && random.happens(0.3)) input.renotify = true
    if (random.happens(0.3)) input.ttl = Math.floor(random.between(1, 2 * SECONDS))
    if (random.happens(0.5)) input.type = random.pick(['order.shipped', 'a', 'b'])
    if (random.happens(0.5)) input.category = random.pick(['one', 'two', 'drei'])
    // The clocks of several processes differ.
    const now = Date.now() + Math.floor(random.between(-5, 5))
    const draft = draftNotification(USER, input, { credential: 'test' })
    const item = { ...draft.item!, updatedAt: new Date(now).toISOString() }
    const { id, seq } = await engine.broker.publish({ ...draft, item })
    model.put({ ...item, id: draft.id, seq, createdAt: draft.createdAt })
    expect(model.items.at(-1)!.id).toBe(id)
  } else if (kind < 80) {
    const [state, value] = [random.pick<State>(STATES), random.happens(0.7)]
    const few = Array.from({ length: random.pick([1, 1, 3, 100]) }, someId)
    const ids = random.happens(0.6) ? few : undefined
    const before =
      ids === undefined && random.happens(0.6)
        ? new Date(Date.now() - random.between(0, 60_000)).toISOString()
        : undefined
    const mark = { ids, ...(before === undefined ? {} : { before }), state, value, at }
    const marked = await engine.inbox.mark(stateDraft(USER, { at }), mark)
    expect(marked).toMatchObject({ changed: model.mark(mark), ...model.counts })
  } else if (kind < 88) {
    const idOrTag = random.happens(0.3) ? `t${Math.floor(random.between(0, 8))}` : someId()
    const withdrawn = await engine.inbox.withdraw(openRemovalDraft(USER), idOrTag)
    expect(withdrawn?.id).toBe(model.withdraw(idOrTag)?.id)
  } else {
    const { seq } = (await engine.broker.since(CHANNEL, {}, ALL)).head
    const upTo = Math.floor(random.between(0, seq + 2))
    const above = random.happens(0.5) ? 0 : Math.floor(random.between(0, upTo))
    await engine.inbox.acknowledge(CHANNEL, upTo, at, above)
    model.acknowledge(above, Math.min(upTo, seq), at)
  }
}

const QUERY: InboxQuery = {
  ...{
    status: undefined,
    category: undefined,
    type: undefined,
    tag: undefined,
    before: undefined,
    limit: 1000,
  },
}

async function compare(random: Random, model: InboxModel): Promise<void> {
  const page = await engine.inbox.list(CHANNEL, QUERY)
  expect(page.items.map(model.view)).toEqual(model.items.toReversed())
  expect({ unread: page.unread, unseen: page.unseen }).toEqual(model.counts)
  const query = {
    status: random.pick([undefined, ...INBOX_STATUSES]),
    type: random.pick([undefined, undefined, 'a', 'order.shipped', 'c']),
    category: random.pick([undefined, undefined, 'one', 'drei', 'four']),
    tag: random.pick([undefined, undefined, undefined, 't1', 't9']),
    before: random.happens(0.3) ? Math.floor(random.between(0, page.seq)) : undefined,
    limit: random.pick([1, 10, 1000]),
  }
  const found = await engine.inbox.list(CHANNEL, query)
  const expected = model.list(query)
  expect(found.items.map(({ seq }) => seq)).toEqual(expected.slice(0, query.limit).map(({ seq }) => seq))
  expect(found.complete).toBe(expected.length <= query.limit)
  if (model.items.length > 0) {
    const some = random.pick(model.items)
    expect(model.view((await engine.inbox.find(CHANNEL, some.id))!)).toEqual(some)
  }
  // What is replayed of the notifications is what is there, above the floor.
  const log = await engine.broker.since(CHANNEL, { seq: 0 }, ALL)
  const replayed = log.publications.filter(({ event }) => event === 'notification')
  const oldest = log.publications[0]?.seq ?? 0
  const there = model.items.filter(({ seq }) => seq >= oldest)
  expect(replayed.map((publication) => payloadOf(publication).id)).toEqual(there.map(({ id }) => id))
}

test.each([1, 2])(
  'the inbox is that of a simple model after each of many operations (seed %i)',
  async (seed) => {
    const random = new Random(seed)
    const model = new InboxModel(COUNT, SECONDS)
    for (let operation = 0; operation < OPERATIONS; operation++) {
      vi.setSystemTime(
        Date.now() + Math.floor(random.happens(0.02) ? random.between(0, 300_000) : random.between(0, 2000)),
      )
      model.expire(Date.now())
      await operate(random, model)
      await compare(random, model)
      // What is remembered and what is read anew agree.
      if (random.happens(0.01)) {
        await engine.close()
        await open()
      }
    }
    expect(model.trimmed).toBeGreaterThan(0)
    expect(model.expired).toBeGreaterThan(0)
  },
  600_000,
)
