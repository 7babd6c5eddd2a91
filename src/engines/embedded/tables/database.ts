import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { OperatorError } from '../../../core/model/errors.ts'

/** `process`: what was acknowledged survives a killed process. `power`: a power cut as well. */
export type Durability = 'process' | 'power'

/** The path of a database that lives in memory and ends with the process. */
export const IN_MEMORY = ':memory:'

/** `Tabc`, as SQLite's header names the program that a file belongs to. */
const APPLICATION_ID = 0x54616263

const SCHEMA_VERSION = 5

const SQLITE_BUSY = 5
const SQLITE_NOTADB = 26

/**
 * Entries have a rowid of their own and are found by an index, since that appends them to the file in the order of their arrival:
 * a key of channel and seq would touch one page per channel, and takes three times as long with many channels.
 *
 * `seq` of a channel may lie behind its entries, but never behind one that was deleted: see `Log`. `ends`: when the first of its
 * notifications ends, in milliseconds since the epoch, or before that.
 */
const SCHEMA = `
  CREATE TABLE channel (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    epochs TEXT NOT NULL,
    seen INTEGER,
    used INTEGER NOT NULL,
    ends INTEGER
  ) STRICT;
  CREATE INDEX channel_ends ON channel (ends) WHERE ends IS NOT NULL;
  CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    message BLOB NOT NULL,
    UNIQUE (channel, seq)
  ) STRICT;
  CREATE INDEX entry_expires ON entry (expires) WHERE expires > 0;
  CREATE TABLE idempotency (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    channel TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    publication TEXT NOT NULL,
    seq INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    place TEXT,
    created INTEGER NOT NULL,
    UNIQUE (key, channel)
  ) STRICT;
  CREATE TABLE revocation (user TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE canary (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
`

/**
 * Notifications as they stand, those that wait for their time, and what backends want to hear of. `ends`: when one ends, in milliseconds
 * since the epoch. `token`: by which a watch is taken at the moment.
 */
const ITEMS = `
  CREATE TABLE item (
    rowid INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    version INTEGER NOT NULL,
    tag TEXT,
    type TEXT NOT NULL,
    category TEXT,
    progressState TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    expires TEXT NOT NULL,
    ends INTEGER NOT NULL,
    seen TEXT,
    read TEXT,
    archived TEXT,
    delivered TEXT,
    connections INTEGER NOT NULL,
    content TEXT NOT NULL,
    waiter TEXT,
    hasWebhook INTEGER NOT NULL,
    UNIQUE (channel, id)
  ) STRICT;
  CREATE UNIQUE INDEX item_tag ON item (channel, tag) WHERE tag IS NOT NULL;
  CREATE INDEX item_seq ON item (channel, seq, ends);
  CREATE TABLE schedule (channel TEXT NOT NULL, id TEXT NOT NULL, tag TEXT, at INTEGER NOT NULL, scheduled TEXT NOT NULL,
    cancelled INTEGER, PRIMARY KEY (channel, id)) STRICT;
  CREATE INDEX schedule_at ON schedule (at);
  CREATE TABLE watch (id TEXT PRIMARY KEY, version INTEGER NOT NULL, at INTEGER NOT NULL, token TEXT, hastened INTEGER NOT NULL DEFAULT 0,
    watch TEXT NOT NULL) STRICT;
  CREATE INDEX watch_at ON watch (at);
  CREATE INDEX schedule_cancelled ON schedule (cancelled) WHERE cancelled IS NOT NULL;
`

/** Who is a member of which room. */
const MEMBERSHIPS = `
  CREATE TABLE membership (user TEXT NOT NULL, room TEXT NOT NULL, publish INTEGER NOT NULL,
    PRIMARY KEY (user, room)) STRICT, WITHOUT ROWID;
`

/** What brings a file of each older version to the next. */
const MIGRATIONS: Record<number, string> = {
  1: `ALTER TABLE idempotency ADD COLUMN place TEXT; ${ITEMS}`,
  2: MEMBERSHIPS,
  // What had no end in the table ends when its tabs were told.
  3: 'UPDATE item SET ends = unixepoch(expires) * 1000 WHERE ends = 0;',
  4: `ALTER TABLE channel ADD COLUMN ends INTEGER; UPDATE channel SET ends = (SELECT min(ends) FROM item WHERE channel = channel.id);
    CREATE INDEX channel_ends ON channel (ends) WHERE ends IS NOT NULL;
    DROP INDEX IF EXISTS item_ends; DROP INDEX item_seq; CREATE INDEX item_seq ON item (channel, seq, ends);`,
}

/**
 * Opens a file, or makes it, and locks it until the database is closed or the process is gone, however it went.
 * Throws an error that says what to do if the file is open elsewhere or is not Tabcast's.
 */
export function openDatabase(path: string, durability: Durability): DatabaseSync {
  if (path !== IN_MEMORY) mkdirSync(dirname(path), { recursive: true })
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    // The lock is the operating system's, so that no dead process holds it. It also saves WAL its shared memory.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    prepareSchema(database, path)
    database.exec('COMMIT')
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'};
      PRAGMA wal_autocheckpoint = 4000;
      PRAGMA journal_size_limit = 67108864;
      PRAGMA cache_size = -32768;
    `)
    return database
  } catch (error) {
    if (database?.isOpen) database.close()
    throw explain(error as Error & { errcode?: number }, path)
  }
}

/** Looks before it writes: a database of another program is left as it was. */
function prepareSchema(database: DatabaseSync, path: string): void {
  const application = pragma(database, 'application_id')
  const version = pragma(database, 'user_version')
  if (application === APPLICATION_ID && version === SCHEMA_VERSION) return
  if (application === APPLICATION_ID && Number(version) < SCHEMA_VERSION) {
    for (let from = Number(version); from < SCHEMA_VERSION; from++) database.exec(MIGRATIONS[from]!)
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
    return
  }
  if (application === APPLICATION_ID)
    throw new OperatorError(
      `${path} has schema version ${version}, and this Tabcast knows ${SCHEMA_VERSION}. Use the version of Tabcast that wrote it, or choose another file.`,
    )
  if (application !== 0 || database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined)
    throw new OperatorError(`${path} is a database of another program. Choose another file.`)
  database.exec(SCHEMA + ITEMS + MEMBERSHIPS)
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`)
}

function pragma(database: DatabaseSync, name: string): unknown {
  return database.prepare(`PRAGMA ${name}`).get()?.[name]
}

function explain(error: Error & { errcode?: number }, path: string): Error {
  if (error.errcode === SQLITE_BUSY)
    return new OperatorError(
      `${path} is open in another process, and only one may serve it. Stop that process, or choose another file.`,
      { cause: error },
    )
  if (error.errcode === SQLITE_NOTADB)
    return new OperatorError(`${path} is not a database. Choose another file.`, { cause: error })
  if (error.errcode !== undefined)
    return new OperatorError(`${path} can not be opened as a database: ${error.message}.`, { cause: error })
  return error
}
