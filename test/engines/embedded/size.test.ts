import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { STATES } from '../../../src/core/engine/inbox.ts'
import { Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { createEmbeddedEngine } from '../../../src/engines/embedded/engine.ts'
import { PLENTY, upTo } from '../../contract/engine/harness.ts'
import { report } from '../../support/engines.ts'

const KIB = 1024
const options = { credential: 'test' }

let dir: string
let path: string
let engine: Engine

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tabcast-size-'))
  path = join(dir, 'tabcast.db')
  engine = await createEmbeddedEngine({
    path,
    durability: 'process',
    retention: { user: PLENTY, room: PLENTY },
    report,
  })
})

afterEach(() => rm(dir, { recursive: true, force: true }))

/** Closes the engine and asks the file for its rows of each kind, and its bytes. */
async function closeAndMeasure() {
  await engine.close()
  const database = new DatabaseSync(path)
  const ask = (sql: string) => Number(Object.values(database.prepare(sql).get()!)[0])
  const count = (table: string) => ask(`SELECT count(*) FROM ${table}`)
  const measured = {
    ...{ items: count('item'), entries: count('entry'), tags: count('tag'), endings: count('ending') },
    states: ask('SELECT coalesce(sum(length(bytes)), 0) FROM states'),
    bytes: ask('PRAGMA page_count') * ask('PRAGMA page_size'),
  }
  database.close()
  return measured
}

test('five thousand marks on a thousand notifications leave a bounded number of bytes', async () => {
  const user = randomUUID()
  const publisher = new Publisher(engine)
  const inboxes = new Inboxes(engine)
  const ids: string[] = []
  for (const number of upTo(1000)) {
    const { id, seq } = await publisher.notify(user, { title: `${number}` }, options)
    ids.push(id)
    await inboxes.acknowledge(user, seq)
    for (const state of STATES) await inboxes.mark(user, { ids: [id], state, value: true })
    for (const state of ['read', 'read'] as const)
      await inboxes.mark(user, { ids: [id], state, value: number % 2 === 0 })
  }
  const measured = await closeAndMeasure()
  expect(measured).toMatchObject({ items: 1000, entries: 1000, tags: 0, endings: 0 })
  // Two bytes for each that has a state, and six for each of its four times.
  expect(measured.states).toBeLessThanOrEqual(1000 * (2 + 4 * 6))
  expect(measured.bytes).toBeLessThan(1300 * KIB)
})

test('ten thousand updates of one tag leave as much as one does', async () => {
  const user = randomUUID()
  const publisher = new Publisher(engine)
  await publisher.notify(user, { title: 'old' }, options)
  for (const round of upTo(100))
    await Promise.all(
      upTo(100).map((value) => {
        const progress = { status: 'running', value, text: `${round}` } as const
        return publisher.notify(user, { title: 'new', tag: 't', ttl: 3600, progress }, options)
      }),
    )
  await new Inboxes(engine).mark(user, { state: 'read', value: true })
  const measured = await closeAndMeasure()
  expect(measured).toMatchObject({ items: 2, entries: 1, tags: 1, endings: 1, states: 2 * (2 + 6) })
  expect(measured.bytes).toBeLessThan(300 * KIB)
})
