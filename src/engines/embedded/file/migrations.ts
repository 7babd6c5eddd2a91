/** The way from each older layout of the tables to the next. The names are those that the files had then, and must not be changed. */
import type { DatabaseSync } from 'node:sqlite'
import { migrateToVersion7 } from './version-7.ts'

const ITEMS_OF_VERSION_2 = `
  CREATE TABLE item (
    rowid INTEGER PRIMARY KEY, channel INTEGER NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, version INTEGER NOT NULL, tag TEXT,
    type TEXT NOT NULL, category TEXT, course TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL, expires TEXT NOT NULL,
    ends INTEGER NOT NULL, seen TEXT, read TEXT, archived TEXT, delivered TEXT, connections INTEGER NOT NULL, content TEXT NOT NULL,
    waiter TEXT, watched INTEGER NOT NULL, UNIQUE (channel, id)
  ) STRICT;
  CREATE UNIQUE INDEX item_tag ON item (channel, tag) WHERE tag IS NOT NULL;
  CREATE INDEX item_seq ON item (channel, seq);
  CREATE TABLE schedule (channel TEXT NOT NULL, id TEXT NOT NULL, tag TEXT, at INTEGER NOT NULL, scheduled TEXT NOT NULL,
    cancelled INTEGER, PRIMARY KEY (channel, id)) STRICT;
  CREATE INDEX schedule_at ON schedule (at);
  CREATE TABLE watch (id TEXT PRIMARY KEY, version INTEGER NOT NULL, at INTEGER NOT NULL, token TEXT, hastened INTEGER NOT NULL DEFAULT 0,
    watch TEXT NOT NULL) STRICT;
  CREATE INDEX watch_at ON watch (at);
  CREATE INDEX schedule_cancelled ON schedule (cancelled) WHERE cancelled IS NOT NULL;
`

const renamed = (table: string, column: string, from: string, to: string): string =>
  `UPDATE ${table} SET ${column} = json_set(json_remove(${column}, '${from}'), '${to}', json_extract(${column}, '${from}'));`

/** Brings the tables of a file from one version to another, within a transaction. */
export function migrate(database: DatabaseSync, from: number, to: number): void {
  for (let version = from; version < to; version++) {
    const step = MIGRATIONS[version]!
    if (typeof step === 'string') database.exec(step)
    else step(database)
  }
}

/** The statements, or the function, that bring a file of each version to the next one. */
const MIGRATIONS: Readonly<Record<number, string | ((database: DatabaseSync) => void)>> = {
  1: `ALTER TABLE idempotency ADD COLUMN place TEXT; ${ITEMS_OF_VERSION_2}`,
  2: `CREATE TABLE membership (user TEXT NOT NULL, room TEXT NOT NULL, publish INTEGER NOT NULL,
    PRIMARY KEY (user, room)) STRICT, WITHOUT ROWID;`,
  // What had no end in the table ends at the time that tabs received as `expiresAt`.
  3: 'UPDATE item SET ends = unixepoch(expires) * 1000 WHERE ends = 0;',
  4: `ALTER TABLE channel ADD COLUMN ends INTEGER; UPDATE channel SET ends = (SELECT min(ends) FROM item WHERE channel = channel.id);
    CREATE INDEX channel_ends ON channel (ends) WHERE ends IS NOT NULL;
    DROP INDEX IF EXISTS item_ends; DROP INDEX item_seq; CREATE INDEX item_seq ON item (channel, seq, ends);`,
  5: `ALTER TABLE item RENAME COLUMN course TO progressState; ALTER TABLE item RENAME COLUMN watched TO hasWebhook;
    ALTER TABLE idempotency RENAME COLUMN place TO upsert;
    ALTER TABLE watch RENAME TO webhook; ALTER TABLE webhook RENAME COLUMN watch TO webhook;
    DROP INDEX watch_at; CREATE INDEX webhook_at ON webhook (at);
    ${renamed('webhook', 'webhook', '$.telling', '$.unsent')}
    ${renamed('schedule', 'scheduled', '$.draft.item.course', '$.draft.item.progressState')}`,
  6: migrateToVersion7,
}
