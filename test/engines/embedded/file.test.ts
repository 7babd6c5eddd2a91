import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Engine, EngineOptions } from '../../../src/core/engine/engine.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { createEmbeddedEngine } from '../../../src/engines/embedded/engine.ts'
import { openDatabase } from '../../../src/engines/embedded/file/database.ts'
import { Log } from '../../../src/engines/embedded/tables/log.ts'
import { Rows } from '../../../src/engines/embedded/tables/rows.ts'
import { Transactions } from '../../../src/engines/embedded/tables/transactions.ts'
import { ALL, PLENTY, publishMany, seqsOf, someRoom, someUser, upTo } from '../../contract/engine/harness.ts'
import { draftOf } from '../../support/drafts.ts'
import { TopicRecorder } from '../../support/listener.ts'

const SECONDS = 60
const SWEEP = 1000
const DAY = 86_400_000

let dir: string
let path: string
let engine: Engine
const reported: unknown[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tabcast-file-'))
  path = join(dir, 'tabcast.db')
})

afterEach(async () => {
  vi.useRealTimers()
  await engine?.close()
  await rm(dir, { recursive: true, force: true })
  expect(reported.splice(0)).toEqual([])
})

async function open(retention: Partial<EngineOptions['retention']> = {}): Promise<Engine> {
  engine = await createEmbeddedEngine({
    path,
    durability: 'process',
    retention: { user: PLENTY, room: PLENTY, ...retention },
    report: (error) => reported.push(error),
  })
  return engine
}

/** Closes the engine and asks the file itself. */
async function ask(sql: string): Promise<unknown> {
  await engine.close()
  const database = new DatabaseSync(path)
  try {
    return Object.values(database.prepare(sql).get() ?? {})[0]
  } finally {
    database.close()
  }
}

describe('a file of an older version', () => {
  /** A file of the first version: its tables, a log with two entries, and a key. */
  const FIRST = `
    CREATE TABLE channel (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL, floor INTEGER NOT NULL, epochs TEXT NOT NULL,
      seen INTEGER, used INTEGER NOT NULL) STRICT;
    CREATE TABLE entry (id INTEGER PRIMARY KEY, channel INTEGER NOT NULL, seq INTEGER NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL,
      message BLOB NOT NULL, UNIQUE (channel, seq)) STRICT;
    CREATE INDEX entry_expires ON entry (expires) WHERE expires > 0;
    CREATE TABLE idempotency (id INTEGER PRIMARY KEY, key TEXT NOT NULL, channel TEXT NOT NULL, fingerprint TEXT NOT NULL, publication TEXT NOT NULL,
      seq INTEGER NOT NULL, epoch TEXT NOT NULL, created INTEGER NOT NULL, UNIQUE (key, channel)) STRICT;
    CREATE TABLE revocation (user TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE canary (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
    PRAGMA application_id = ${0x54616263}; PRAGMA user_version = 1;`

  /** Makes a file of version 5 of one of version 6. */
  const TO_VERSION_5 = `
    ALTER TABLE item RENAME COLUMN progressState TO course; ALTER TABLE item RENAME COLUMN hasWebhook TO watched;
    ALTER TABLE idempotency RENAME COLUMN upsert TO place;
    ALTER TABLE webhook RENAME COLUMN webhook TO watch; ALTER TABLE webhook RENAME TO watch;
    DROP INDEX webhook_at; CREATE INDEX watch_at ON watch (at);
    UPDATE watch SET watch = replace(watch, '"unsent"', '"telling"');
    UPDATE schedule SET scheduled = replace(scheduled, '"progressState"', '"course"');
    PRAGMA user_version = 5;`

  /** The columns of every table, and what every index is on. */
  const shapeOf = (file: string): Record<string, unknown> => {
    const database = new DatabaseSync(file)
    const all = (sql: string) => database.prepare(sql).all() as { name: string; tbl_name: string }[]
    const shape = all('SELECT name, tbl_name FROM sqlite_schema ORDER BY name').map(({ name, tbl_name }) => [
      name,
      name === tbl_name
        ? all(`SELECT name, type FROM pragma_table_info('${name}') ORDER BY name`)
        : all(`SELECT name FROM pragma_index_info('${name}')`),
    ])
    database.close()
    return Object.fromEntries(shape)
  }

  test('becomes what a new one is, and keeps its log', async () => {
    const channel = someUser()
    const old = new DatabaseSync(path)
    old.exec(FIRST)
    old
      .prepare('INSERT INTO channel VALUES (1, ?, 2, 0, \'[{"epoch":"old.run","first":1}]\', NULL, ?)')
      .run(channel, Date.now())
    old.close()
    await open()
    expect(await engine.broker.publish(draftOf(channel))).toMatchObject({ seq: 3 })
    await engine.close()

    const fresh = join(dir, 'fresh.db')
    openDatabase(fresh, 'process').close()
    expect(shapeOf(path)).toEqual(shapeOf(fresh))
  })

  /** Makes a file of the store of version 6 that the tests of that have, with changes, and opens it at the time when it was written. */
  async function openOlder(changes: string): Promise<number> {
    const folder = join(import.meta.dirname, 'version-6')
    const { now } = JSON.parse(await readFile(join(folder, 'answers.json'), 'utf8'))
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'], now })
    const old = new DatabaseSync(path)
    old.exec(await readFile(join(folder, 'store.sql'), 'utf8'))
    old.exec(changes)
    old.close()
    await open()
    return now
  }

  test('keeps what waits for its time, what is pending, and the state of a task', async () => {
    const at = (await openOlder(TO_VERSION_5)) + 3 * 3_600_000
    expect(await engine.inbox.find(userChannel('tasks'), 'export')).toMatchObject({
      progressState: 'finished',
    })
    expect(await engine.schedule.find(userChannel('ada'), 'later')).toMatchObject({
      draft: { item: { progressState: 'none', content: expect.stringContaining('later') } },
    })
    const [taken] = await engine.webhookQueue.take(at, at + 1, 10)
    expect(taken!.webhook).toMatchObject({ user: 'ada', events: ['read'], unsent: [] })
  })

  test('ends what was to end', async () => {
    const now = await openOlder(`${TO_VERSION_5}
      DROP INDEX channel_ends; ALTER TABLE channel DROP COLUMN ends;
      DROP INDEX item_seq; CREATE INDEX item_seq ON item (channel, seq); CREATE INDEX item_ends ON item (ends);
      PRAGMA user_version = 4;`)
    const recorder = new TopicRecorder()
    await engine.broker.subscribe(userChannel('ada'), recorder.hear)
    vi.setSystemTime(now + 3_600_000)
    vi.advanceTimersByTime(SWEEP)
    await recorder.hasHeard(1)
    const { ids } = payloadOf(recorder.heard[0]!) as { ids: string[] }
    expect(ids).toHaveLength(1)
    expect(await engine.inbox.find(userChannel('ada'), ids[0]!)).toBeUndefined()
  })
})

describe('a file that is not ours', () => {
  test('is refused if it is no database', async () => {
    await writeFile(path, 'a letter to somebody, which is longer than the header of a database '.repeat(20))
    const before = await readFile(path)
    await expect(open()).rejects.toThrow(`${path} is not a database`)
    expect(await readFile(path)).toEqual(before)
  })

  test.each([
    ['of another program', 'CREATE TABLE letters (text)', 'is a database of another program'],
    ['that names another program', 'PRAGMA application_id = 7', 'is a database of another program'],
    [
      'of a later Tabcast',
      `PRAGMA application_id = ${0x54616263}; PRAGMA user_version = 99`,
      'has schema version 99',
    ],
  ])('is refused and left alone if it is a database %s', async (_, sql, message) => {
    const database = new DatabaseSync(path)
    database.exec(sql)
    database.close()
    const before = await readFile(path)
    await expect(open()).rejects.toThrow(`${path} ${message}`)
    expect(await readFile(path)).toEqual(before)
  })

  test('is refused by name if it is a directory', async () => {
    path = dir
    await expect(open()).rejects.toThrow(`${dir} cannot be opened`)
  })

  test('does not go unnoticed when it replaces ours', async () => {
    await open()
    await engine.probe()
    await rename(path, `${path}.old`)
    await expect(engine.probe()).rejects.toMatchObject({ code: 'engine_unavailable' })
    await writeFile(path, '')
    await expect(engine.probe()).rejects.toMatchObject({ code: 'engine_unavailable' })
  })
})

describe('what the tables do not take', () => {
  test('is rejected alone: the others of its group are stored and heard once, and no number is given away', async () => {
    const { broker } = await open()
    const channel = someRoom()
    const recorder = new TopicRecorder()
    await broker.subscribe(channel, recorder.hear)
    await broker.publish(draftOf(channel, 1))
    // The table takes whole numbers only.
    const impossible = { createdAt: 0.5 }
    const results = await Promise.allSettled([
      broker.publish(draftOf(channel, 2)),
      broker.publish(draftOf(someUser(), 'impossible', impossible)),
      broker.publish(draftOf(channel, 3)),
    ])
    expect(results).toMatchObject([
      { status: 'fulfilled', value: { seq: 2 } },
      { status: 'rejected', reason: { code: 'internal' } },
      { status: 'fulfilled', value: { seq: 3 } },
    ])
    expect(reported.splice(0)).toMatchObject([{ code: 'internal', cause: { code: 'ERR_SQLITE_ERROR' } }])
    expect(await broker.publish(draftOf(channel, 4))).toMatchObject({ seq: 4 })
    await recorder.hasHeard(4)
    expect(recorder.data).toEqual([1, 2, 3, 4])
    expect(seqsOf(await broker.since(channel, { seq: 0 }, ALL))).toEqual([1, 2, 3, 4])
  })
})

describe('a log whose commit fails', () => {
  test.each([false, true])('is as it was before, founded already: %s', async (founded) => {
    const { database, close } = openDatabase(':memory:', 'process')
    try {
      database.exec(
        'CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED)',
      )
      const rows = new Rows(database, { user: { count: 2, seconds: SECONDS }, room: PLENTY })
      const log = new Log(database, rows)
      const transactions = new Transactions(database, log, (error) => reported.push(error))
      const channel = someUser()
      const append = () => transactions.write(() => log.append(draftOf(channel), () => '').seq)
      const before = founded ? [await append(), await append()] : []
      const fail = transactions.write(() => database.exec('INSERT INTO child VALUES (1)'))
      for (const { status } of await Promise.allSettled([append(), append(), fail, append()]))
        expect(status).toBe('rejected')
      expect(rows.find(channel)?.seq).toBe(before.at(-1))
      expect(rows.find(channel)?.floor).toBe(founded ? 0 : undefined)
      expect(await append()).toBe(before.length + 1)
      expect(reported.splice(0)).toMatchObject([{ cause: { errstr: 'constraint failed' } }])
      transactions.close()
    } finally {
      close()
    }
  })
})

describe('a close', () => {
  test('commits and delivers what was published before it', async () => {
    const { broker } = await open()
    const channel = someRoom()
    const recorder = new TopicRecorder()
    await broker.subscribe(channel, recorder.hear)
    const publishing = publishMany({ broker }, channel, 2000)
    await engine.close()
    await publishing
    expect(recorder.seqs).toEqual(upTo(2000))
    expect(await ask('SELECT max(seq) FROM entry')).toBe(2000)
  })
})

describe('the sweep', () => {
  /** Makes the clock ours, but not the order of events. */
  const holdTime = () => vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })

  /** Lets time pass, sweep by sweep. */
  async function pass(milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += SWEEP) {
      vi.advanceTimersByTime(SWEEP)
      // A sweep shares its transaction with what is written after it.
      await engine.revocations.revoke('somebody', 1)
    }
  }

  test('deletes what has expired without moving the floor, and no number is given twice', async () => {
    holdTime()
    const { broker } = await open()
    const channel = someUser()
    await publishMany({ broker }, channel, 2)
    await publishMany({ broker }, channel, 3, { expiresAt: Date.now() + 500 })
    const { head } = await broker.since(channel, {}, ALL)
    await pass(SWEEP)
    expect(await ask('SELECT count(*) FROM entry')).toBe(2)
    await open()
    expect((await engine.broker.since(channel, { seq: 0, epoch: head.epoch }, ALL)).gap).toBeUndefined()
    expect(await engine.broker.publish(draftOf(channel))).toMatchObject({ seq: 6 })
  })

  test('leaves the newest to be kept, wherever others have expired', async () => {
    holdTime()
    const { broker } = await open({ user: { count: 3, seconds: SECONDS } })
    const channel = someUser()
    await publishMany({ broker }, channel, 2)
    await publishMany({ broker }, channel, 1, { expiresAt: Date.now() + 500 })
    await pass(SWEEP)
    const seqs = async () => seqsOf(await broker.since(channel, { seq: 0 }, ALL))
    expect(await seqs()).toEqual([1, 2])
    await publishMany({ broker }, channel, 1)
    expect(await seqs()).toEqual([1, 2, 4])
    await publishMany({ broker }, channel, 1)
    expect(await seqs()).toEqual([2, 4, 5])
    await publishMany({ broker }, channel, 2)
    expect(await seqs()).toEqual([5, 6, 7])
    const { head } = await broker.since(channel, {}, ALL)
    const page = await broker.since(channel, { seq: 0, epoch: head.epoch }, ALL)
    expect(page.gap).toEqual({ from: 1, to: 4, reason: 'trimmed' })
  })

  test('deletes what is too old, and remembers up to where', async () => {
    holdTime()
    const { broker } = await open({ user: { count: 1000, seconds: SECONDS } })
    const channel = someUser()
    await publishMany({ broker }, channel, 3)
    const { head } = await broker.since(channel, {}, ALL)
    await pass((SECONDS + 1) * 1000)
    expect(await ask('SELECT count(*) FROM entry')).toBe(0)
    await open({ user: { count: 1000, seconds: SECONDS } })
    const page = await engine.broker.since(channel, { seq: 1, epoch: head.epoch }, ALL)
    expect(page).toMatchObject({ gap: { from: 2, to: 3, reason: 'trimmed' }, head })
    expect(await engine.broker.publish(draftOf(channel))).toMatchObject({ seq: 4 })
  })

  test('counts what is kept without what it has deleted', async () => {
    holdTime()
    const { broker } = await open({ user: { count: 3, seconds: SECONDS } })
    const channel = someUser()
    await publishMany({ broker }, channel, 3)
    await pass((SECONDS + 1) * 1000)
    await publishMany({ broker }, channel, 3)
    expect(seqsOf(await broker.since(channel, { seq: 0 }, ALL))).toEqual([4, 5, 6])
  })

  test('forgets an idle log after a day without entries, but not while somebody is connected', async () => {
    holdTime()
    const { broker, connections } = await open({ user: { count: 1000, seconds: SECONDS } })
    const [idle, connected] = [someUser(), someUser()]
    const incarnationOf = async (channel: typeof idle) =>
      (await broker.latest(channel, undefined, ALL)).head.epoch.split('.')[0]
    for (const channel of [idle, connected]) await publishMany({ broker }, channel, 1)
    const incarnations = [await incarnationOf(idle), await incarnationOf(connected)]
    await connections.announce(connected, 1)
    await pass((SECONDS + 2) * 1000)
    vi.setSystemTime(Date.now() + DAY - 10_000)
    await pass(SWEEP)
    expect(await incarnationOf(idle)).toBe(incarnations[0])
    vi.setSystemTime(Date.now() + DAY)
    await pass(2 * SWEEP)
    expect(await incarnationOf(idle)).not.toBe(incarnations[0])
    expect(await incarnationOf(connected)).toBe(incarnations[1])
    await connections.announce(connected, 0)
    vi.setSystemTime(Date.now() + DAY + 1)
    await pass(SWEEP)
    expect(await ask('SELECT count(*) FROM channel')).toBe(0)
    expect(await ask('SELECT count(*) FROM seen')).toBe(0)
  })

  test('forgets idempotency keys after 24 hours', async () => {
    holdTime()
    const { broker } = await open()
    const channel = someUser()
    const draft = () => draftOf(channel, 'once', { idempotency: { key: 'k', fingerprint: 'f' } })
    const first = await broker.publish(draft())
    vi.setSystemTime(Date.now() + 86_399_000)
    expect(await broker.publish(draft())).toEqual({ ...first, replayed: true })
    vi.setSystemTime(Date.now() + 2000)
    expect(await broker.publish(draft())).toMatchObject({ seq: 2, replayed: false })
    expect(await broker.publish(draft())).toMatchObject({ seq: 2, replayed: true })
    vi.setSystemTime(Date.now() + 86_401_000)
    await pass(SWEEP)
    expect(await ask('SELECT count(*) FROM idempotency')).toBe(0)
  })
})

describe('a channel', () => {
  test('that thousands of others have pushed out of memory goes on as it was', async () => {
    const { broker } = await open({ room: { count: 3, seconds: SECONDS } })
    const channel = someRoom()
    await publishMany({ broker }, channel, 5)
    const { head } = await broker.since(channel, {}, ALL)
    for (let batch = 0; batch < 25; batch++)
      await Promise.all(
        Array.from({ length: 1000 }, (_, index) => broker.publish(draftOf(`room:${batch} ${index}`))),
      )
    for (let batch = 0; batch < 25; batch++)
      await Promise.all(
        Array.from({ length: 1000 }, (_, index) => broker.since(`room:${batch} ${index}`, {}, ALL)),
      )
    expect(await broker.publish(draftOf(channel))).toMatchObject({ seq: 6, epoch: head.epoch })
    const page = await broker.since(channel, { seq: 0, epoch: head.epoch }, ALL)
    expect(page.gap).toEqual({ from: 1, to: 3, reason: 'trimmed' })
    expect(seqsOf(page)).toEqual([4, 5, 6])
  })

  test('admits after a restart what a full inbox has lost, also if nothing else was written of its log', async () => {
    const retention = { user: { count: 3, seconds: SECONDS } }
    const publisher = new Publisher(await open(retention))
    for (let number = 0; number < 5; number++)
      await publisher.notify('ada', { title: `${number}` }, { credential: 'test' })
    const channel = userChannel('ada')
    const { head } = await engine.broker.since(channel, {}, ALL)
    await engine.close()
    const { broker } = await open(retention)
    const page = await broker.since(channel, { seq: 1, epoch: head.epoch }, ALL)
    expect(page.gap).toEqual({ from: 2, to: 2, reason: 'trimmed' })
    expect(seqsOf(page)).toEqual([3, 4, 5])
  })

  test('keeps one epoch per run that wrote on it', async () => {
    const channel = someUser()
    for (const run of [1, 2, 3]) {
      const { broker } = await open({ user: { count: 4, seconds: SECONDS } })
      // A run that only reads leaves no trace.
      await broker.since(channel, {}, ALL)
      if (run !== 2) await publishMany({ broker }, channel, 3)
      await engine.close()
    }
    expect(JSON.parse(String(await ask('SELECT epochs FROM channel')))).toHaveLength(2)
    const { broker } = await open({ user: { count: 4, seconds: SECONDS } })
    // The first run's entries are trimmed away with this, and its epoch with them.
    await publishMany({ broker }, channel, 2)
    expect(JSON.parse(String(await ask('SELECT epochs FROM channel')))).toMatchObject([
      { first: 4 },
      { first: 7 },
    ])
  })
})
