import { statSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { draftNotification } from '../../../src/core/drafts/notification.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { createEmbeddedEngine } from '../../../src/engines/embedded/engine.ts'
import { openDatabase } from '../../../src/engines/embedded/file/database.ts'
import { PLENTY } from '../../contract/engine/harness.ts'

const MIB = 1_048_576
const BATCH = 50

let dir: string
let path: string
let engine: Engine | undefined
const reported: unknown[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tabcast-checkpoints-'))
  path = join(dir, 'tabcast.db')
})

afterEach(async () => {
  await engine?.close()
  engine = undefined
  await rm(dir, { recursive: true, force: true })
  expect(reported.splice(0)).toEqual([])
})

async function open(): Promise<Engine> {
  const retention = { user: PLENTY, room: PLENTY }
  const report = (error: unknown) => reported.push(error)
  engine = await createEmbeddedEngine({ path, durability: 'process', retention, report })
  return engine
}

const sizeOfLog = (): number => statSync(`${path}-wal`).size

/** Notifies many users, batch by batch, each time others that lie far apart; returns the largest size of the log, and the longest time of a batch in milliseconds. */
async function notifyMany({ broker }: Engine, count: number): Promise<{ largest: number; longest: number }> {
  const data = 'x'.repeat(2000)
  let [largest, longest] = [0, 0]
  for (let sent = 0; sent < count; sent += BATCH) {
    const start = performance.now()
    await Promise.all(
      Array.from({ length: BATCH }, (_, index) =>
        broker.publish(
          draftNotification(`user ${((sent + index) * 389) % 1009}`, { data }, { credential: 'test' }),
        ),
      ),
    )
    longest = Math.max(longest, performance.now() - start)
    largest = Math.max(largest, sizeOfLog())
  }
  return { largest, longest }
}

test('however fast one writes, the log of the database begins anew again and again', async () => {
  const { largest } = await notifyMany(await open(), 30_000)
  expect(largest).toBeLessThan(64 * MIB)
  expect(statSync(path).size).toBeGreaterThan(64 * MIB)
})

test('whoever reads for long delays nothing for long, and afterwards the log becomes short again', async () => {
  const started = await open()
  await notifyMany(started, BATCH)
  const reader = new DatabaseSync(path, { readOnly: true })
  reader.exec('BEGIN; SELECT count(*) FROM item')
  const { largest, longest } = await notifyMany(started, 20_000)
  expect(largest).toBeGreaterThan(64 * MIB)
  expect(longest).toBeLessThan(1000)
  reader.close()
  await notifyMany(started, 15_000)
  expect(sizeOfLog()).toBeLessThan(64 * MIB)
})

test('without the thread that makes checkpoints, everything is stored and the log begins anew as well', async () => {
  const started = await open()
  await notifyMany(started, BATCH)
  // The thread begins only when there is something to do, and then finds no file.
  await rename(path, `${path}.moved`)
  await rename(`${path}-wal`, `${path}.moved-wal`)
  await rename(`${path}-shm`, `${path}.moved-shm`)
  path = `${path}.moved`
  const { largest } = await notifyMany(started, 20_000)
  expect(largest).toBeLessThan(64 * MIB)
  expect(reported.splice(0)).toMatchObject([{ message: expect.stringContaining('unable to open') }])
})

test.each([
  ['process', 1],
  ['power', 2],
] as const)(
  'with the durability %s, a commit is synchronised as SQLite numbers it: %i',
  (durability, mode) => {
    const { database, close } = openDatabase(path, durability)
    expect(database.prepare('PRAGMA synchronous').get()!.synchronous).toBe(mode)
    expect(database.prepare('PRAGMA journal_mode').get()!.journal_mode).toBe('wal')
    close()
  },
)
