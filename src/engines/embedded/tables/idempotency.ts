import type { DatabaseSync } from 'node:sqlite'
import { IDEMPOTENCY_SECONDS } from '../../../core/engine/broker.ts'
import { ServiceError } from '../../../core/model/errors.ts'
import type { UpsertOutcome } from '../../../core/model/item.ts'
import type { Draft } from '../../../core/model/publication.ts'

/** The result of a publish, as it is kept under its idempotency key. */
export interface Remembered {
  id: string
  seq: number
  epoch: string
  upsert?: UpsertOutcome
}

/** The idempotency keys of the last 24 hours, with the results of their publishes. Every call that writes belongs into a transaction. */
export class Idempotency {
  readonly #recall
  readonly #remember
  readonly #sweep

  constructor(database: DatabaseSync) {
    this.#recall = database.prepare(
      'SELECT fingerprint, publication AS id, seq, epoch, upsert FROM idempotency WHERE key = ? AND channel = ? AND created > ?',
    )
    // A forgotten key that is used again gets a new row, so that the rows stay in the order of their time.
    this.#remember = database.prepare(
      'INSERT OR REPLACE INTO idempotency (key, channel, fingerprint, publication, seq, epoch, upsert, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.#sweep = database.prepare(
      'DELETE FROM idempotency WHERE created <= ? AND id IN (SELECT id FROM idempotency ORDER BY id LIMIT ?)',
    )
  }

  /** Finds the result under the draft's key; undefined if there is none. Throws `idempotency_conflict` if the key was used with another body. */
  recall({ channel, idempotency }: Draft, now: number): Remembered | undefined {
    if (idempotency === undefined) return undefined
    const known = this.#recall.get(idempotency.key, channel, horizon(now)) as unknown as
      | { id: string; seq: number; epoch: string; upsert: string | null; fingerprint: string }
      | undefined
    if (known === undefined) return undefined
    if (known.fingerprint !== idempotency.fingerprint)
      throw new ServiceError(
        'idempotency_conflict',
        'this Idempotency-Key was used with another body in the last 24 hours',
      )
    const { id, seq, epoch, upsert } = known
    return { id, seq, epoch, ...(upsert === null ? {} : { upsert: JSON.parse(upsert) }) }
  }

  /** Keeps a result under the draft's key, if it has one. `now`: milliseconds since the epoch. */
  remember({ channel, idempotency }: Draft, { id, seq, epoch, upsert }: Remembered, now: number): void {
    if (idempotency !== undefined)
      this.#remember.run(
        ...[idempotency.key, channel, idempotency.fingerprint, id, seq, epoch],
        upsert === undefined ? null : JSON.stringify(upsert),
        now,
      )
  }

  /** Deletes at most `limit` keys that are too old; returns how many it deleted. */
  sweep(now: number, limit: number): number {
    return Number(this.#sweep.run(horizon(now), limit).changes)
  }
}

const horizon = (now: number): number => now - IDEMPOTENCY_SECONDS * 1000
