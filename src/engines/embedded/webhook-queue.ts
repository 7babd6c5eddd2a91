import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type {
  NextWebhook,
  PendingWebhook,
  TakenWebhook,
  WebhookQueue,
} from '../../core/engine/webhook-queue.ts'
import type { Transactions } from './tables/transactions.ts'

/** The pending webhooks in their table. One that was replaced while it had events to send has the id `<id> <version>` from then on. */
export class EmbeddedWebhookQueue implements WebhookQueue {
  readonly #statements: ReturnType<typeof prepare>
  readonly #transactions: Transactions

  constructor(database: DatabaseSync, transactions: Transactions) {
    this.#statements = prepare(database)
    this.#transactions = transactions
  }

  async put(webhook: PendingWebhook, at: number): Promise<void> {
    const { setAside, put } = this.#statements
    await this.#transactions.write(() => {
      setAside.run(webhook.id, webhook.version)
      put.run(webhook.id, webhook.version, at, JSON.stringify(webhook))
    })
  }

  async take(now: number, until: number, limit: number): Promise<TakenWebhook[]> {
    const { due, take } = this.#statements
    // Nearly every look finds nothing, and then it need not write.
    const isDue = await this.#transactions.read(() => due.get(now, limit) !== undefined)
    if (!isDue) return []
    return this.#transactions.write(() =>
      due.all(now, limit).map(({ id, webhook }) => {
        const token = randomUUID()
        take.run(token, until, id!)
        return { webhook: JSON.parse(String(webhook)), token }
      }),
    )
  }

  async hasten(ids: readonly string[], now: number, deliveredAt?: string): Promise<void> {
    const { noteDelivery, hasten } = this.#statements
    const these = JSON.stringify(ids)
    await this.#transactions.write(() => {
      if (deliveredAt !== undefined) noteDelivery.run(deliveredAt, these)
      hasten.run(now, now, these)
    })
  }

  giveBack(
    { webhook: { id, version }, token }: TakenWebhook,
    next: NextWebhook,
    now: number,
  ): Promise<boolean> {
    const { end, giveBack } = this.#statements
    const names = [id, `${id} ${version}`] as const
    return this.#transactions.write(() => {
      const { changes } =
        next === undefined
          ? end.run(...names, token)
          : giveBack.run(now, next.at, JSON.stringify(next.webhook), ...names, token)
      return changes > 0
    })
  }
}

const prepare = (database: DatabaseSync) => ({
  setAside: database.prepare(`
    UPDATE OR REPLACE webhook SET id = id || ' ' || version
    WHERE id = ? AND version < ? AND json_array_length(webhook, '$.unsent') > 0`),
  put: database.prepare(`
    INSERT INTO webhook (id, version, at, webhook) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, at = excluded.at, webhook = excluded.webhook, token = NULL, hastened = 0
    WHERE excluded.version > version`),
  due: database.prepare('SELECT id, webhook FROM webhook WHERE at <= ? ORDER BY at LIMIT ?'),
  take: database.prepare('UPDATE webhook SET token = ?, at = ?, hastened = 0 WHERE id = ?'),
  // `json_insert` keeps the first time.
  noteDelivery: database.prepare(`
    UPDATE webhook SET webhook = json_insert(webhook, '$.deliveredAt', ?) WHERE id IN (SELECT value FROM json_each(?))`),
  // A webhook that is taken is hastened when it is given back.
  hasten: database.prepare(`
    UPDATE webhook SET hastened = token IS NOT NULL, at = iif(token IS NULL, ?, at)
    WHERE at > ? AND id IN (SELECT value FROM json_each(?))`),
  giveBack: database.prepare(
    'UPDATE webhook SET at = iif(hastened, ?, ?), webhook = ?, token = NULL, hastened = 0 WHERE id IN (?, ?) AND token = ?',
  ),
  end: database.prepare('DELETE FROM webhook WHERE id IN (?, ?) AND token = ?'),
})
