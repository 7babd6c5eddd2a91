import type { PublishOptions } from '../drafts/draft.ts'
import { draftMessage } from '../drafts/message.ts'
import { draftNotification, draftNotifications } from '../drafts/notification.ts'
import { controlDraft } from '../drafts/server.ts'
import type { Published } from '../engine/broker.ts'
import type { Engine } from '../engine/engine.ts'
import { refuseTime } from '../engine/schedule.ts'
import type { Control } from '../model/control.ts'
import { ServiceError } from '../model/errors.ts'
import type { MessageInput, NotificationInput } from '../model/notification.ts'
import type { Draft } from '../model/publication.ts'
import { refuseWebhook, type WebhookPolicy } from '../model/webhook.ts'
import { publishAllWithWebhook, publishWithWebhook } from './publish-with-webhook.ts'

/** The options of a publisher. */
export interface PublisherOptions {
  /** The most publishes that may wait for the engine; more are refused. Without it there is no limit. */
  maxWaiting?: number
  /** The webhooks that a notification may have; without it any. */
  webhooks?: WebhookPolicy
}

/** The one way in: checks what is to be published, stamps it with an id and the time, and hands it to the engine. */
export class Publisher {
  readonly #engine: Pick<Engine, 'broker' | 'schedule' | 'webhookQueue'>
  readonly #maxWaiting: number
  readonly #webhooks: WebhookPolicy | undefined
  #waiting = 0

  constructor(
    engine: Pick<Engine, 'broker' | 'schedule' | 'webhookQueue'>,
    { maxWaiting = Number.POSITIVE_INFINITY, webhooks }: PublisherOptions = {},
  ) {
    this.#engine = engine
    this.#maxWaiting = maxWaiting
    this.#webhooks = webhooks
  }

  /** The number of publishes that may now wait for the engine besides those that do. */
  get capacity(): number {
    return Math.max(0, this.#maxWaiting - this.#waiting)
  }

  /** Notifies a user. Rejects with `invalid_request`, `idempotency_conflict`, `overloaded`, or an engine's error. */
  notify(user: string, input: NotificationInput, options: PublishOptions): Promise<Published> {
    return this.#publish(() => {
      refuseWebhook(input.webhook, this.#webhooks)
      return draftNotification(user, input, options)
    })
  }

  /** Keeps a notification until `at` (milliseconds since the epoch), when a `Scheduler` publishes it. Rejects like `notify`. */
  async schedule(
    user: string,
    input: NotificationInput,
    at: number,
    options: PublishOptions,
  ): Promise<{ id: string; replayed: boolean }> {
    this.#refuseIfFull()
    refuseTime(input, at)
    refuseWebhook(input.webhook, this.#webhooks)
    const draft = draftNotification(user, input, { ...options, sendAt: at })
    return this.#waitFor(1, () => this.#engine.schedule.add({ draft, at, ttl: input.ttl }))
  }

  /**
   * Notifies several users at once; resolves to the result of each, in the order of `users`. The call is accepted or refused as a whole: its
   * publishes count as waiting, and none of them is refused because of the others. Rejects with `invalid_request` or `overloaded`.
   */
  async notifyMany(
    users: readonly string[],
    input: NotificationInput,
    options: PublishOptions,
  ): Promise<PromiseSettledResult<Published>[]> {
    this.#refuseIfFull()
    refuseWebhook(input.webhook, this.#webhooks)
    const drafts = draftNotifications(users, input, options)
    return this.#waitFor(drafts.length, () => publishAllWithWebhook(this.#engine, drafts))
  }

  /** Publishes a message in a room. `from`: the id of the user who sends it, which is never taken from the message itself. Rejects like `notify`. */
  message(room: string, input: MessageInput, options: PublishOptions, from?: string): Promise<Published> {
    return this.#publish(() => draftMessage(room, input, options, from))
  }

  /**
   * Publishes drafts for several channels, accepted or refused as a whole. A caller that drafts all of them first stores none if one is not
   * valid. Resolves to the result of each, in the order of `drafts`. Rejects with `overloaded`.
   */
  async publishAll(drafts: readonly Draft[]): Promise<PromiseSettledResult<Published>[]> {
    this.#refuseIfFull()
    return Promise.allSettled(drafts.map((draft) => this.#store(draft)))
  }

  /** Publishes an order to every process that serves the user; no tab receives it. Rejects like `Broker.publish`, and never with `overloaded`. */
  async control(user: string, control: Control): Promise<void> {
    await this.#store(controlDraft(user, control))
  }

  /** The only async frame between a route and the engine: each would cost as much as the draft. */
  async #publish(createDraft: () => Draft): Promise<Published> {
    const draft = createDraft()
    this.#refuseIfFull()
    this.#waiting++
    try {
      return await publishWithWebhook(this.#engine, draft)
    } finally {
      this.#waiting--
    }
  }

  /** Refuses at once a publish that would wait for longer than its caller is promised an answer. */
  #refuseIfFull(): void {
    if (this.capacity === 0)
      throw new ServiceError('overloaded', 'too many publishes are waiting to be stored')
  }

  #store(draft: Draft): Promise<Published> {
    return this.#waitFor(1, () => publishWithWebhook(this.#engine, draft))
  }

  async #waitFor<T>(count: number, publish: () => Promise<T>): Promise<T> {
    this.#waiting += count
    try {
      return await publish()
    } finally {
      this.#waiting -= count
    }
  }
}
