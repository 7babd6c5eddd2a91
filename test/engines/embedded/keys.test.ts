import { randomUUIDv7 } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { draftNotification } from '../../../src/core/drafts/notification.ts'
import { openRemovalDraft } from '../../../src/core/drafts/server.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { EVERYTHING, Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import type { NotificationInput } from '../../../src/core/model/notification.ts'
import { createEmbeddedEngine } from '../../../src/engines/embedded/engine.ts'
import {
  hashOfCategory,
  hashOfId,
  hashOfType,
  keyOf,
} from '../../../src/engines/embedded/tables/inbox/item-key.ts'
import { PLENTY } from '../../contract/engine/harness.ts'
import { report } from '../../support/engines.ts'

const CHANNEL = userChannel('ada')
let engine: Engine

beforeEach(async () => {
  const retention = { user: PLENTY, room: PLENTY }
  engine = await createEmbeddedEngine({ path: ':memory:', durability: 'process', retention, report })
})

afterEach(() => engine.close())

/** Two texts that a hash takes for the same one. */
function collisionOf(hash: (text: string) => number, make: () => string): [string, string] {
  const known = new Map<number, string>()
  for (;;) {
    const text = make()
    const other = known.get(hash(text))
    if (other !== undefined && other !== text) return [other, text]
    known.set(hash(text), text)
  }
}

const publish = (input: NotificationInput, id: string = randomUUIDv7()) =>
  engine.broker.publish({ ...draftNotification('ada', { title: id, ...input }, { credential: 'test' }), id })

test('two ids with the same hash are found, marked and withdrawn each for itself', async () => {
  const [one, other] = collisionOf(hashOfId, randomUUIDv7)
  await publish({}, one)
  await publish({}, other)
  for (const id of [one, other]) expect(await engine.inbox.find(CHANNEL, id)).toMatchObject({ id })
  const inboxes = new Inboxes(engine)
  await inboxes.mark('ada', { ids: [other], state: 'read', value: true })
  expect(await engine.inbox.find(CHANNEL, one)).toMatchObject({ readAt: undefined })
  expect(await engine.inbox.find(CHANNEL, other)).toMatchObject({ readAt: expect.any(String) })
  expect(await engine.inbox.withdraw(openRemovalDraft('ada'), other)).toMatchObject({ id: other })
  expect((await inboxes.list('ada', { ...EVERYTHING, limit: 10 })).items).toMatchObject([{ id: one }])
})

test('two types, and two categories, with the same hash are not taken for one another', async () => {
  let number = 0
  const make = () => `name-${number++}`
  const types = collisionOf(hashOfType, make)
  const categories = collisionOf(hashOfCategory, make)
  for (const type of types) for (const category of categories) await publish({ type, category })
  for (const type of types)
    for (const category of categories)
      for (const status of [undefined, 'unread'] as const) {
        const page = await engine.inbox.list(CHANNEL, { ...EVERYTHING, type, category, status, limit: 10 })
        expect(page).toMatchObject({ items: [{ type, category }], complete: true })
        expect(page.items).toHaveLength(1)
      }
})

test('a key is a whole number that SQLite keeps in six bytes', () => {
  for (let number = 0; number < 10_000; number++) {
    const item = { id: randomUUIDv7(), type: `t${number}`, category: `c${number}` }
    const key = keyOf(item, true, true)
    expect(Number.isSafeInteger(key) && key >= 0 && key < 2 ** 47).toBe(true)
  }
})
