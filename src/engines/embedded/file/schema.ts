/** The tables of the embedded engine. `docs/decisions/0014-the-sqlite-file.md` says why they are so. */

/** The version of the layout, in SQLite's header (`PRAGMA user_version`). */
export const SCHEMA_VERSION = 7

/**
 * The logs, and what is in them and is no notification. Entries have a rowid of their own and are found by an index, since that appends them to
 * the file in the order of their arrival: a key of channel and seq would touch one page per channel, and takes three times as long with many
 * channels.
 *
 * `seq`, `floor` and `updated` of a channel may be below those of its entries, but never below those of one that was deleted: see `Rows`. `ends`:
 * a time at or before the first end of its notifications, in milliseconds since the epoch.
 */
const CHANNELS = `
  CREATE TABLE channel (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    epochs TEXT NOT NULL,
    used INTEGER NOT NULL,
    ends INTEGER,
    updated INTEGER NOT NULL
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
`

/**
 * The notifications, each once: for the log and for the inbox. `key` is that of `keyOf`, `line` the words of `lineOf`, `floor` that of the log after the notification. The states of those that
 * have any are in blocks, see `Block`; `ending` has the ends that are not in the order of the log, see `Ends`.
 */
export const ITEMS = `
  CREATE TABLE item (
    id INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    key INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    tag TEXT,
    line TEXT NOT NULL,
    content TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX item_place ON item (channel, seq, key);
  CREATE TABLE tag (channel INTEGER NOT NULL, tag TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (channel, tag)) STRICT, WITHOUT ROWID;
  CREATE TABLE states (channel INTEGER NOT NULL, block INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (channel, block)) STRICT, WITHOUT ROWID;
  CREATE TABLE ending (channel INTEGER NOT NULL, seq INTEGER NOT NULL, ends INTEGER NOT NULL, PRIMARY KEY (channel, seq)) STRICT, WITHOUT ROWID;
`

/**
 * The store itself, the time at which each channel last had a connection, and the retention of the last run in seconds. All times are milliseconds
 * since the epoch.
 */
export const STORE = `
  CREATE TABLE store (id INTEGER PRIMARY KEY, identity TEXT NOT NULL, userSeconds INTEGER NOT NULL, roomSeconds INTEGER NOT NULL) STRICT;
  CREATE TABLE seen (channel TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`

/** What is kept beside the logs. `token`: names the present taking of a webhook. */
const BESIDE = `
  CREATE TABLE idempotency (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    channel TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    publication TEXT NOT NULL,
    seq INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    upsert TEXT,
    created INTEGER NOT NULL,
    UNIQUE (key, channel)
  ) STRICT;
  CREATE TABLE revocation (user TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE canary (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
  CREATE TABLE schedule (channel TEXT NOT NULL, id TEXT NOT NULL, tag TEXT, at INTEGER NOT NULL, scheduled TEXT NOT NULL,
    cancelled INTEGER, PRIMARY KEY (channel, id)) STRICT;
  CREATE INDEX schedule_at ON schedule (at);
  CREATE INDEX schedule_cancelled ON schedule (cancelled) WHERE cancelled IS NOT NULL;
  CREATE TABLE webhook (id TEXT PRIMARY KEY, version INTEGER NOT NULL, at INTEGER NOT NULL, token TEXT,
    hastened INTEGER NOT NULL DEFAULT 0, webhook TEXT NOT NULL) STRICT;
  CREATE INDEX webhook_at ON webhook (at);
  CREATE TABLE membership (user TEXT NOT NULL, room TEXT NOT NULL, publish INTEGER NOT NULL,
    PRIMARY KEY (user, room)) STRICT, WITHOUT ROWID;
`

/** The statements that create the tables of a new file. */
export const SCHEMA = STORE + CHANNELS + ITEMS + BESIDE
