import type { AckGroup, Acknowledging, NotedHandler } from '../../core/delivery/ack-group.ts'
import type { Hub } from '../../core/delivery/hub.ts'
import { userChannel } from '../../core/model/channel.ts'
import type { TabSession } from '../../core/session/tab-session.ts'
import { parseAcknowledged } from './inbox-arguments.ts'
import { userOf } from './inbox-events.ts'

/** The parts that the acknowledgements of a tab work with. */
export interface TabAckOptions {
  hub: Hub
  acks: AckGroup
}

/** The acknowledgements of one tab: each is noted together with those of others. */
export class TabAcks {
  readonly #tab: TabSession
  readonly #options: TabAckOptions
  readonly #onNoted: NotedHandler
  /** What it acknowledged last. */
  #last: Acknowledging | undefined

  /** `onFailure` is called with each error that hinders those that ask for no answer. */
  constructor(tab: TabSession, options: TabAckOptions, onFailure: (error: unknown) => void) {
    this.#tab = tab
    this.#options = options
    this.#onNoted = (error) => {
      if (error !== undefined) onFailure(error)
    }
  }

  /**
   * Takes the argument of an `ack`. `onNoted`: called once when it has been noted, or with the error for which it could not be; without it, it asks
   * for no answer. Throws a `ServiceError` if the argument is not valid.
   */
  take(seq: unknown, onNoted = this.#onNoted): void {
    const { hub, acks } = this.#options
    const subscription = hub.subscriptionOf(this.#tab, userChannel(userOf(this.#tab)))
    const processed = parseAcknowledged(seq, subscription?.position.seq ?? 0)
    if (subscription === undefined) return
    this.#last = subscription
    acks.add(subscription, processed, onNoted)
  }

  /** Resolves when all that was taken has been noted and answered; it waits for no other tab any more. */
  async settle(): Promise<void> {
    if (this.#last !== undefined) await this.#options.acks.settle(this.#last)
  }
}
