import type { DatabaseSync } from 'node:sqlite'
import { IDEMPOTENCY_SECONDS } from '../../core/engine.ts'
import { ServiceError } from '../../core/errors.ts'
import type { ItemPlace } from '../../core/item.ts'
import type { Draft } from '../../core/publication.ts'

/** What a publish under an idempotency key was given. */
export interface Remembered {
  id: string
  seq: number
  epoch: string
  place?: ItemPlace
}

/** What the idempotency keys of the last 24 hours were used for. */
export class Idempotency {
  readonly #recall
  readonly #remember
  readonly #sweep

  constructor(database: DatabaseSync) {
    this.#recall = database.prepare(
      'SELECT fingerprint, publication AS id, seq, epoch, place FROM idempotency WHERE key = ? AND channel = ? AND created > ?',
    )
    // A forgotten key that is used again gets a new row, so that the rows stay in the order of their time.
    this.#remember = database.prepare(
      'INSERT OR REPLACE INTO idempotency (key, channel, fingerprint, publication, seq, epoch, place, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.#sweep = database.prepare(
      'DELETE FROM idempotency WHERE created <= ? AND id IN (SELECT id FROM idempotency ORDER BY id LIMIT ?)',
    )
  }

  /** What the draft's key was used for, if it was. Throws `idempotency_conflict` if that was something else. */
  recall({ channel, idempotency }: Draft, now: number): Remembered | undefined {
    if (idempotency === undefined) return undefined
    const known = this.#recall.get(idempotency.key, channel, horizon(now)) as unknown as
      | { id: string; seq: number; epoch: string; place: string | null; fingerprint: string }
      | undefined
    if (known === undefined) return undefined
    if (known.fingerprint !== idempotency.fingerprint)
      throw new ServiceError(
        'idempotency_conflict',
        'this Idempotency-Key was used with another body in the last 24 hours',
      )
    const { id, seq, epoch, place } = known
    return { id, seq, epoch, ...(place === null ? {} : { place: JSON.parse(place) }) }
  }

  /** Keeps what the draft's key, if it has one, was used for. */
  remember({ channel, idempotency }: Draft, { id, seq, epoch, place }: Remembered, now: number): void {
    if (idempotency !== undefined)
      this.#remember.run(
        ...[idempotency.key, channel, idempotency.fingerprint, id, seq, epoch],
        place === undefined ? null : JSON.stringify(place),
        now,
      )
  }

  /** Deletes forgotten keys, so many at most; answers how many. */
  sweep(now: number, limit: number): number {
    return Number(this.#sweep.run(horizon(now), limit).changes)
  }
}

const horizon = (now: number): number => now - IDEMPOTENCY_SECONDS * 1000
