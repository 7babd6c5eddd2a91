import { iso } from '../drafts/draft.ts'
import { IDEMPOTENCY_SECONDS, type Published } from '../engine/broker.ts'
import type { Engine } from '../engine/engine.ts'
import type { Scheduled } from '../engine/schedule.ts'
import type { Inboxes } from '../inbox/inboxes.ts'
import { isFault, isTemporary } from '../lifecycle/faults.ts'
import { idOfChannel, userChannel } from '../model/channel.ts'
import { MAX_TTL_SECONDS } from '../model/notification.ts'
import type { Draft } from '../model/publication.ts'
import { publishWithWebhook } from './publish-with-webhook.ts'

/** Milliseconds between two looks for notifications that are due. */
const INTERVAL = 500

/** The most notifications that are published in one go. */
const AT_ONCE = 200

/** Publishes scheduled notifications when they are due: every process does, and each is published once. Finds and cancels those that wait. */
export class Scheduler {
  readonly #engine: Pick<Engine, 'broker' | 'schedule' | 'webhookQueue'>
  readonly #inboxes: Inboxes
  readonly #report: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined

  constructor(
    engine: Pick<Engine, 'broker' | 'schedule' | 'webhookQueue'>,
    inboxes: Inboxes,
    report: (error: unknown) => void,
  ) {
    this.#engine = engine
    this.#inboxes = inboxes
    this.#report = report
  }

  /** Begins to look for notifications that are due. */
  start(): void {
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look()
        .catch((error: unknown) => {
          // While the store is away nothing can be published; the next look finds it all.
          if (!isTemporary(error)) this.#report(error)
        })
        .finally(() => {
          this.#looking = undefined
        })
    }, INTERVAL).unref()
  }

  /** Stops looking; resolves when nothing is being published any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
  }

  /** Finds the scheduled notification of a user with this id or tag. Rejects with the engine's error. */
  find(user: string, idOrTag: string): Promise<Scheduled | undefined> {
    return this.#engine.schedule.find(userChannel(user), idOrTag)
  }

  /** Cancels everything that is scheduled under this id or tag; resolves to true if there was something. Rejects with the engine's error. */
  async cancel(user: string, idOrTag: string): Promise<boolean> {
    const channel = userChannel(user)
    let cancelled = false
    for (;;) {
      const scheduled = await this.#engine.schedule.find(channel, idOrTag)
      if (scheduled === undefined) return cancelled
      cancelled = (await this.#engine.schedule.cancel(channel, scheduled.draft.id)) || cancelled
    }
  }

  async #look(): Promise<void> {
    const due = await this.#engine.schedule.due(Date.now(), AT_ONCE)
    const results = await Promise.allSettled(due.map((scheduled) => this.#publish(scheduled)))
    for (const [index, result] of results.entries())
      if (result.status === 'rejected') await this.#giveUp(due[index]!, result.reason)
    if (due.length === AT_ONCE) await this.#look()
  }

  /** Forgets a notification that can never be published, so that it does not hold up the others. Throws if it is to be tried again. */
  async #giveUp({ draft }: Scheduled, reason: unknown): Promise<void> {
    if (isFault(reason) || isTemporary(reason)) throw reason
    await this.#engine.schedule.conclude(draft.channel, draft.id)
    this.#report(reason)
  }

  async #publish(scheduled: Scheduled): Promise<void> {
    const draft = stamped(scheduled)
    if (await this.#wasPublished(scheduled)) {
      await this.#engine.schedule.conclude(draft.channel, draft.id)
      return
    }
    const published: Published = await publishWithWebhook(this.#engine, draft)
    // It may have been cancelled since the look: then nobody is to see it.
    if (await this.#engine.schedule.conclude(draft.channel, draft.id))
      await this.#takeBack(idOfChannel(draft.channel), published)
  }

  /** True if it is in the inbox already: a process may have died before it concluded it. The idempotency key covers that for a day only. */
  async #wasPublished({ draft: { channel, id }, at }: Scheduled): Promise<boolean> {
    if (at > Date.now() - IDEMPOTENCY_SECONDS * 1000) return false
    return (await this.#inboxes.find(idOfChannel(channel), id)) !== undefined
  }

  /** Withdraws a notification, unless it replaced one or has been replaced: by its tag, those have the same id. */
  async #takeBack(user: string, { id, upsert }: Published): Promise<void> {
    if (!upsert?.applied || !upsert.created) return
    const item = await this.#inboxes.find(user, id)
    if (item?.version === upsert.version) await this.#inboxes.withdraw(user, id)
  }
}

/** The draft with the present time: its `ttl` begins when it is published. */
function stamped({ draft, ttl }: Scheduled): Draft {
  const now = Date.now()
  const item = {
    ...draft.item!,
    updatedAt: iso(now),
    expiresAt: new Date(now + (ttl ?? MAX_TTL_SECONDS) * 1000).toISOString(),
  }
  const idempotency = { key: `scheduled ${draft.id}`, fingerprint: draft.id }
  return { ...draft, createdAt: now, expiresAt: ttl === undefined ? 0 : now + ttl * 1000, item, idempotency }
}
