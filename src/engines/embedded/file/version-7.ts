import type { DatabaseSync } from 'node:sqlite'
import type { ProgressState } from '../../../core/model/item.ts'
import type { PublicationEvent } from '../../../core/model/publication.ts'
import { Block, FLAGS, PLACES, type StoredState } from '../tables/inbox/block.ts'
import { keyOf } from '../tables/inbox/item-key.ts'
import type { Line, Published } from '../tables/inbox/item-row.ts'
import { ITEMS, STORE } from './schema.ts'

/** A notification as version 6 had it, with its entry in the log if that is still there. */
interface OldItem {
  channel: number
  id: string
  seq: number
  version: number
  tag: string | null
  type: string
  category: string | null
  progressState: ProgressState
  created: string
  updated: string
  expires: string
  connections: number
  content: string
  waiter: string | null
  hasWebhook: 0 | 1
  entryCreated: number | null
  entryExpires: number | null
  message: Uint8Array | null
}

/** The states of a notification as version 6 had them. */
type OldStates = { channel: number; seq: number } & Record<StoredState, string | null>

/**
 * From version 6, where a notification stood in the log and again in the inbox, to version 7, where it stands once. Everything is as it was: what
 * a log shows and what a list shows, with its order, its counts and its times. Only an `updatedAt` that was before the one in front of it, since
 * a clock was set back, becomes that one.
 */
export function migrateToVersion7(database: DatabaseSync): void {
  database.exec(`
    ALTER TABLE item RENAME TO old_item;
    DROP INDEX item_tag; DROP INDEX item_seq;
    ${ITEMS.replace('CREATE UNIQUE INDEX item_place ON item (channel, seq, key);', '')}
    ${STORE}
    INSERT INTO seen (channel, at) SELECT name, seen FROM channel WHERE seen IS NOT NULL;
    ALTER TABLE channel ADD COLUMN updated INTEGER NOT NULL DEFAULT 0;
  `)
  moveItems(database)
  moveStates(database)
  database.exec(`
    DELETE FROM entry WHERE EXISTS (SELECT 1 FROM old_item WHERE channel = entry.channel AND seq = entry.seq);
    DROP TABLE old_item;
    CREATE UNIQUE INDEX item_place ON item (channel, seq, key);
    INSERT INTO tag (channel, tag, seq) SELECT channel, tag, seq FROM item WHERE tag IS NOT NULL;
    UPDATE channel SET updated = coalesce((SELECT max(updated) FROM item WHERE channel = channel.id), 0);
    CREATE TABLE new_channel (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL, floor INTEGER NOT NULL,
      epochs TEXT NOT NULL, used INTEGER NOT NULL, ends INTEGER, updated INTEGER NOT NULL) STRICT;
    INSERT INTO new_channel SELECT id, name, seq, floor, epochs, used, ends, updated FROM channel
      WHERE seq > 0 OR EXISTS (SELECT 1 FROM entry WHERE channel = channel.id) OR EXISTS (SELECT 1 FROM item WHERE channel = channel.id);
    DROP TABLE channel;
    ALTER TABLE new_channel RENAME TO channel;
    CREATE INDEX channel_ends ON channel (ends) WHERE ends IS NOT NULL;
  `)
}

/** Moves the notifications in the order of their arrival, which is that of their rows and, within a channel, that of their seqs. */
function moveItems(database: DatabaseSync): void {
  const items = database.prepare(`
    SELECT old_item.*, entry.created AS entryCreated, entry.expires AS entryExpires, entry.message
    FROM old_item LEFT JOIN entry ON entry.channel = old_item.channel AND entry.seq = old_item.seq ORDER BY old_item.rowid`)
  const put = database.prepare(
    'INSERT INTO item (channel, seq, key, created, updated, ends, floor, tag, line, content) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?)',
  )
  const end = database.prepare('INSERT INTO ending (channel, seq, ends) VALUES (?, ?, ?)')
  const last = new Map<number, { updated: number; ends: number }>()
  for (const item of items.iterate() as Iterable<unknown> as Iterable<OldItem>) {
    const before = last.get(item.channel) ?? { updated: 0, ends: 0 }
    const updated = Math.max(Date.parse(item.updated), before.updated)
    const ends = Date.parse(item.expires)
    const isApart = ends < before.ends
    last.set(item.channel, { updated, ends: isApart ? before.ends : ends })
    const words = { id: item.id, type: item.type, category: item.category ?? undefined }
    const key = keyOf(words, isApart, item.waiter !== null || item.hasWebhook === 1)
    const created = item.entryCreated ?? Date.parse(item.updated)
    put.run(...[item.channel, item.seq, key, created, updated, ends, item.tag, lineOf(item), item.content])
    if (isApart) end.run(item.channel, item.seq, ends)
  }
}

/** The line of a notification: what the log has of its publication, or, below the floor, where nobody reads it any more, nothing. */
function lineOf(item: OldItem): string {
  const { id, created, version, progressState, connections, waiter, hasWebhook, type, category } = item
  const line: Line = [
    ...([id, Date.parse(created), version, progressState, connections, waiter, hasWebhook] as const),
    ...([type, category, publishedOf(item)] as const),
  ]
  return JSON.stringify(line)
}

const STATES_AND_COUNTS =
  /"seenAt":(null|"[^"]*"),"readAt":(null|"[^"]*"),"archivedAt":(null|"[^"]*"),"seq":\d+,"epoch":"[^"]*","unread":(\d+),"unseen":(\d+),"alert":(true|false)\}\]$/

function publishedOf({ message, entryExpires }: OldItem): Published {
  const text = message === null ? '' : Buffer.from(message).toString()
  const found = STATES_AND_COUNTS.exec(text)
  if (found === null) return ['notification', 0, '', 0, 0, 0, null, null, null]
  const [, , event, , , , except] = text.slice(0, text.indexOf('\n')).split(' ')
  const [, seen, read, archived, unread, unseen, alert] = found
  return [
    ...([event as PublicationEvent, entryExpires ?? 0, except ?? ''] as const),
    ...([alert === 'true' ? 1 : 0, Number(unread), Number(unseen)] as const),
    ...([timeOf(seen), timeOf(read), timeOf(archived)] as const),
  ]
}

/** A time in JSON as milliseconds since the epoch. */
const timeOf = (time: string | undefined): number | null =>
  time === undefined || time === 'null' ? null : Date.parse(JSON.parse(time))

function moveStates(database: DatabaseSync): void {
  const marked = database.prepare(`
    SELECT channel, seq, seen, read, archived, delivered FROM old_item
    WHERE seen IS NOT NULL OR read IS NOT NULL OR archived IS NOT NULL OR delivered IS NOT NULL ORDER BY channel, seq`)
  const put = database.prepare('INSERT INTO states (channel, block, bytes) VALUES (?, ?, ?)')
  let current: { channel: number; number: number; block: Block } | undefined
  const save = (): void => {
    if (current !== undefined) put.run(current.channel, current.number, current.block.bytes!)
  }
  for (const item of marked.iterate() as Iterable<unknown> as Iterable<OldStates>) {
    const { channel, seq } = item
    const number = Math.floor(seq / PLACES)
    if (current?.channel !== channel || current.number !== number) {
      save()
      current = { channel, number, block: new Block(undefined) }
    }
    for (const [state, flag] of Object.entries(FLAGS) as [StoredState, number][])
      if (item[state] !== null) current.block.set(seq % PLACES, flag, Date.parse(item[state]))
  }
  save()
}
