import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import { createEmbeddedEngine } from '../../../src/engines/embedded/engine.ts'
import { PLENTY, someUser, upTo } from '../../contract/engine/harness.ts'
import { draftOf } from '../../support/drafts.ts'
import { report } from '../../support/engines.ts'

const DAY = 86_400_000
const SWEEP = 1000
const CHECK = 30_000

let dir: string
let path: string
let engine: Engine

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tabcast-upkeep-'))
  path = join(dir, 'tabcast.db')
  // The clock is ours, but not the order of events.
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
  await open()
})

afterEach(async () => {
  vi.useRealTimers()
  await engine.close()
  await rm(dir, { recursive: true, force: true })
})

async function open(): Promise<void> {
  const retention = { user: { ...PLENTY, count: 10_000 }, room: PLENTY }
  engine = await createEmbeddedEngine({ path, durability: 'process', retention, report })
}

/** Closes the engine and counts the rows of a table in the file itself. */
async function rowsOf(table: string): Promise<unknown> {
  await engine.close()
  const database = new DatabaseSync(path)
  try {
    return database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.rows
  } finally {
    database.close()
  }
}

/** Lets one sweep begin, and others write something in so many transactions after that. */
async function sweepWhile(writes: number): Promise<void> {
  vi.advanceTimersByTime(SWEEP)
  for (let write = 0; write < writes; write++) await engine.revocations.revoke('somebody', write)
}

test('more keys than one sweep deletes are gone before the next one, and others write meanwhile', async () => {
  const channel = someUser()
  const keyed = (number: number) =>
    draftOf(channel, number, { idempotency: { key: `${number}`, fingerprint: 'f' } })
  await Promise.all(upTo(2001).map((number) => engine.broker.publish(keyed(number))))
  vi.setSystemTime(Date.now() + DAY)
  await sweepWhile(20)
  expect(await rowsOf('idempotency')).toBe(0)
})

test('more expired entries than one sweep deletes are gone before the next one', async () => {
  const expiring = (number: number) => draftOf(someUser(), number, { expiresAt: Date.now() + 500 })
  await Promise.all(upTo(2001).map((number) => engine.broker.publish(expiring(number))))
  await sweepWhile(20)
  expect(await rowsOf('entry')).toBe(0)
})

test('who was connected when the process died was seen in the last two minutes', async () => {
  const ada = userChannel('ada')
  for (let check = 0; check <= 20; check++) {
    await engine.connections.announce(ada, 1)
    vi.setSystemTime(Date.now() + CHECK)
  }
  // Nobody has withdrawn the connection.
  await engine.close()
  await open()
  const [attendance] = await engine.connections.count([ada])
  expect(attendance!.connections).toBe(0)
  expect(attendance!.lastSeen).toBeGreaterThanOrEqual(Date.now() - 120_000)
})

test('who stays connected is not written down again within a minute', async () => {
  const ada = userChannel('ada')
  const connected = Date.now()
  for (const passed of [0, 59_999]) {
    vi.setSystemTime(connected + passed)
    await engine.connections.announce(ada, 1)
  }
  await engine.close()
  await open()
  expect(await engine.connections.count([ada])).toEqual([{ connections: 0, lastSeen: connected }])
  await engine.connections.announce(ada, 1)
  vi.setSystemTime(connected + 119_999)
  await engine.connections.announce(ada, 1)
  await engine.close()
  await open()
  expect(await engine.connections.count([ada])).toEqual([{ connections: 0, lastSeen: connected + 119_999 }])
})
