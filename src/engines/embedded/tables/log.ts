import type { DatabaseSync } from 'node:sqlite'
import { isUserChannel } from '../../../core/model/channel.ts'
import type { Draft } from '../../../core/model/publication.ts'
import type { Row } from './row.ts'
import type { Rows } from './rows.ts'
import type { Memory } from './transactions.ts'

/** An entry that has received its seq. `message`: its wire form. */
export interface Appended {
  seq: number
  epoch: string
  message: Buffer
}

/** The table of what is in logs and is no notification. As many entries are kept as notifications, so that neither pushes the other out. */
export class Log implements Memory {
  readonly #statements: ReturnType<typeof prepare>
  readonly #rows: Rows

  constructor(database: DatabaseSync, rows: Rows) {
    this.#statements = prepare(database)
    this.#rows = rows
  }

  /** Gives a draft the next seq of its channel and stores the text that `write` returns. */
  append(draft: Draft, write: (seq: number, epoch: string) => string): Appended {
    const row = this.#rows.open(draft.channel)
    const { seq, epoch } = this.#rows.number(row, draft.createdAt)
    const message = Buffer.from(write(seq, epoch))
    this.#statements.append.run(row.id, seq, draft.createdAt, draft.expiresAt, message)
    row.entries++
    return { seq, epoch, message }
  }

  flush(): void {
    for (const row of this.#rows.touched) this.#trim(row)
    this.#rows.flush()
  }

  confirm(): void {
    this.#rows.confirm()
  }

  revert(): void {
    this.#rows.revert()
  }

  /** Removes the oldest entries above the number that is kept. */
  #trim(row: Row): void {
    const surplus = row.entries - this.#rows.retentionOf(row.channel).count
    if (surplus <= 0) return
    // In the log of a user, notifications are in between, and entries may be below the floor that those have raised.
    const hasNoHoles = !isUserChannel(row.channel) && row.entries === row.seq - row.floor
    const last = hasNoHoles
      ? row.floor + surplus
      : (this.#statements.nth.get(row.id, surplus - 1) as { seq: number }).seq
    this.#statements.remove.run(row.id, last)
    row.floor = Math.max(row.floor, last)
    row.entries -= surplus
    this.#rows.change(row)
  }
}

const prepare = (database: DatabaseSync) => ({
  append: database.prepare(
    'INSERT INTO entry (channel, seq, created, expires, message) VALUES (?, ?, ?, ?, ?)',
  ),
  nth: database.prepare('SELECT seq FROM entry WHERE channel = ? ORDER BY seq LIMIT 1 OFFSET ?'),
  remove: database.prepare('DELETE FROM entry WHERE channel = ? AND seq <= ?'),
})
