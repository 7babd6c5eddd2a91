import { randomUUID } from 'node:crypto'
import type {
  NextWebhook,
  PendingWebhook,
  TakenWebhook,
  WebhookQueue,
} from '../../core/engine/webhook-queue.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { ScriptedClient, WebhookKeys } from './scripts/calls.ts'

/** The most webhooks that one call hastens: a script should not hold up the others for long. */
const AT_ONCE = 1000

/** The pending webhooks on Redis: one sorted set of times and one hash, one script per verb. */
export class RedisWebhookQueue implements WebhookQueue {
  readonly #connection: CommandConnection
  readonly #scripts: ScriptedClient
  readonly #keys: WebhookKeys

  constructor(connection: CommandConnection, scripts: ScriptedClient, keys: Keys) {
    this.#connection = connection
    this.#scripts = scripts
    this.#keys = keys.webhooks
  }

  async put(webhook: PendingWebhook, at: number): Promise<void> {
    await this.#connection.run(() =>
      this.#scripts.putWebhook(...this.#keys, webhook.id, webhook.version, at, JSON.stringify(webhook)),
    )
  }

  async take(now: number, until: number, limit: number): Promise<TakenWebhook[]> {
    const token = randomUUID()
    const taken = await this.#connection.run(() =>
      this.#scripts.takeWebhooks(...this.#keys, now, until, limit, token),
    )
    return taken.map((text) => ({ webhook: JSON.parse(text), token }))
  }

  async hasten(ids: readonly string[], now: number, deliveredAt = ''): Promise<void> {
    for (let first = 0; first < ids.length; first += AT_ONCE) {
      const some = ids.slice(first, first + AT_ONCE)
      await this.#connection.run(() => this.#scripts.hastenWebhooks(...this.#keys, now, deliveredAt, ...some))
    }
  }

  async giveBack({ webhook, token }: TakenWebhook, next: NextWebhook, now: number): Promise<boolean> {
    const givenBack = await this.#connection.run(() =>
      this.#scripts.giveBackWebhook(
        ...this.#keys,
        webhook.id,
        webhook.version,
        token,
        now,
        next?.at ?? '',
        next === undefined ? '' : JSON.stringify(next.webhook),
      ),
    )
    return givenBack === 1
  }
}
