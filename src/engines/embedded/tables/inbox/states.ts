import type { DatabaseSync } from 'node:sqlite'
import type { Counts } from '../../../../core/model/item.ts'
import type { Row } from '../row.ts'
import { Block, FLAGS, NOT_UNREAD, NOT_UNSEEN, PLACES, type StoredState } from './block.ts'
import { textOf } from './time-text.ts'

/** The table of states, in blocks; see `Block`. A notification without a state has nothing in it. */
export class States {
  readonly #statements: ReturnType<typeof prepare>

  constructor(database: DatabaseSync) {
    this.#statements = prepare(database)
  }

  /** The states of an inbox. Blocks are read when they are asked for; `save` writes those that were changed. */
  of(row: Row): InboxStates {
    return new InboxStates(this.#statements, row)
  }

  /** The counts of an inbox, to be kept up to date: they are counted once while the log is remembered. Only what the inbox has may have states. */
  counts(row: Row): Counts {
    row.counts ??= this.#count(row)
    return row.counts
  }

  #count(row: Row): Counts {
    const counts = { unread: row.items, unseen: row.items }
    for (const block of this.of(row).all()) {
      counts.unread -= block.count(NOT_UNREAD)
      counts.unseen -= block.count(NOT_UNSEEN)
    }
    return counts
  }
}

/** The states of one inbox, for the time of one operation. */
export class InboxStates {
  readonly #statements: ReturnType<typeof prepare>
  readonly #row: Row
  readonly #blocks = new Map<number, Block>()
  #last: { number: number; block: Block } | undefined

  constructor(statements: ReturnType<typeof prepare>, row: Row) {
    this.#statements = statements
    this.#row = row
  }

  /** Reads all blocks in one go, for an operation that needs most of them; returns them. */
  all(): Iterable<Block> {
    if (!this.#row.isMarked) return []
    for (const { block, bytes } of this.#statements.all.all(this.#row.id) as unknown as StoredBlock[])
      this.#blocks.set(block, new Block(bytes))
    return this.#blocks.values()
  }

  /** The flags of the notification at a seq. */
  flags(seq: number): number {
    return this.#row.isMarked ? this.#blockOf(seq).flagsAt(seq % PLACES) : 0
  }

  /** The time of a state as RFC 3339; undefined if the notification at the seq does not have it. */
  time(seq: number, state: StoredState): string | undefined {
    if (!this.#row.isMarked) return undefined
    const time = this.#blockOf(seq).timeAt(seq % PLACES, FLAGS[state])
    return time === undefined ? undefined : textOf(time)
  }

  /** Gives a state at a time (milliseconds since the epoch), or takes it away (undefined). */
  set(seq: number, state: StoredState, time: number | undefined): void {
    this.#row.isMarked = true
    this.#blockOf(seq).set(seq % PLACES, FLAGS[state], time)
  }

  /** Takes all states away; returns the flags that the notification had. */
  clear(seq: number): number {
    const flags = this.flags(seq)
    if (flags !== 0) this.#blockOf(seq).clear(seq % PLACES)
    return flags
  }

  /** Writes the blocks that were changed. */
  save(): void {
    for (const [number, block] of this.#blocks) {
      if (!block.isChanged) continue
      block.isChanged = false
      const { bytes } = block
      if (bytes === undefined) this.#statements.remove.run(this.#row.id, number)
      else this.#statements.put.run(this.#row.id, number, bytes)
    }
  }

  #blockOf(seq: number): Block {
    const number = Math.floor(seq / PLACES)
    if (this.#last?.number === number) return this.#last.block
    let block = this.#blocks.get(number)
    if (block === undefined) {
      const stored = this.#statements.one.get(this.#row.id, number) as { bytes: Uint8Array } | undefined
      block = new Block(stored?.bytes)
      this.#blocks.set(number, block)
    }
    this.#last = { number, block }
    return block
  }
}

interface StoredBlock {
  block: number
  bytes: Uint8Array
}

const prepare = (database: DatabaseSync) => ({
  all: database.prepare('SELECT block, bytes FROM states WHERE channel = ? ORDER BY block'),
  one: database.prepare('SELECT bytes FROM states WHERE channel = ? AND block = ?'),
  put: database.prepare(
    'INSERT INTO states (channel, block, bytes) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET bytes = excluded.bytes',
  ),
  remove: database.prepare('DELETE FROM states WHERE channel = ? AND block = ?'),
})
