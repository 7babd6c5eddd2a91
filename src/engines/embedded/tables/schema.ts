/** The tables of the embedded engine. */

/** The version of the layout, in SQLite's header (`PRAGMA user_version`). */
export const SCHEMA_VERSION = 6

/**
 * Entries have a rowid of their own and are found by an index, since that appends them to the file in the order of their arrival:
 * a key of channel and seq would touch one page per channel, and takes three times as long with many channels.
 *
 * `seq` of a channel may be below that of its entries, but never below that of one that was deleted: see `Log`. `ends`: a time at or before
 * the first end of its notifications, in milliseconds since the epoch.
 */
const CHANNELS = `
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
    upsert TEXT,
    created INTEGER NOT NULL,
    UNIQUE (key, channel)
  ) STRICT;
  CREATE TABLE revocation (user TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE canary (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
`

/**
 * Notifications as they stand, those that are scheduled, and pending webhooks. `ends`: the end of a notification, in milliseconds since the
 * epoch. `token`: names the present taking of a webhook.
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
  CREATE TABLE webhook (id TEXT PRIMARY KEY, version INTEGER NOT NULL, at INTEGER NOT NULL, token TEXT,
    hastened INTEGER NOT NULL DEFAULT 0, webhook TEXT NOT NULL) STRICT;
  CREATE INDEX webhook_at ON webhook (at);
  CREATE INDEX schedule_cancelled ON schedule (cancelled) WHERE cancelled IS NOT NULL;
`

/** The memberships of users in rooms. */
const MEMBERSHIPS = `
  CREATE TABLE membership (user TEXT NOT NULL, room TEXT NOT NULL, publish INTEGER NOT NULL,
    PRIMARY KEY (user, room)) STRICT, WITHOUT ROWID;
`

/** The statements that create the tables of a new file. */
export const SCHEMA = CHANNELS + ITEMS + MEMBERSHIPS
