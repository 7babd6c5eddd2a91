import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Revocations } from '../../core/engine/revocations.ts'
import type { Transactions } from './tables/transactions.ts'

/** The revocations in their table. */
export class EmbeddedRevocations implements Revocations {
  readonly #transactions: Transactions
  readonly #set: StatementSync
  readonly #get: StatementSync

  constructor(database: DatabaseSync, transactions: Transactions) {
    this.#transactions = transactions
    this.#set = database.prepare(
      'INSERT INTO revocation (user, until) VALUES (?, ?) ON CONFLICT DO UPDATE SET until = max(until, excluded.until)',
    )
    this.#get = database.prepare('SELECT until FROM revocation WHERE user = ?')
  }

  async revoke(user: string, issuedAt: number): Promise<void> {
    await this.#transactions.write(() => this.#set.run(user, issuedAt))
  }

  revokedUntil(user: string): Promise<number> {
    return this.#transactions.read(() => this.untilOf(user))
  }

  /** Reads as `revokedUntil` does, at once. */
  untilOf(user: string): number {
    return Number(this.#get.get(user)?.until ?? 0)
  }
}
