import { randomUUID } from 'node:crypto'
import type { Engine } from '../../../src/core/engine/engine.ts'
import type { InboxQuery } from '../../../src/core/engine/inbox.ts'
import { EVERYTHING, Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import type { NotificationInput } from '../../../src/core/model/notification.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { ALL, type Harness } from './harness.ts'

/** One user's inbox, with all that a test wants of it. */
export class Desk {
  readonly user = randomUUID()
  readonly channel = userChannel(this.user)
  readonly engine: Engine
  readonly inboxes: Inboxes
  readonly publisher: Publisher

  constructor(engine: Engine) {
    this.engine = engine
    this.inboxes = new Inboxes(engine)
    this.publisher = new Publisher(engine)
  }

  notify(input: NotificationInput, idempotencyKey?: string) {
    return this.publisher.notify(this.user, { title: 'A', ...input }, { credential: 'test', idempotencyKey })
  }

  list(query: Partial<InboxQuery> = {}) {
    return this.inboxes.list(this.user, { ...EVERYTHING, limit: 100, ...query })
  }

  async titles(query: Partial<InboxQuery> = {}): Promise<unknown[]> {
    const { items } = await this.list(query)
    return items.map(({ content }) => JSON.parse(`{${content}}`).title)
  }

  /** The payloads of the log, oldest first. */
  async log() {
    const { publications } = await this.engine.broker.since(this.channel, { seq: 0 }, ALL)
    return publications.map((publication) => payloadOf(publication))
  }
}

/** The inbox of a new user, on an engine that keeps so many notifications for so long. */
export const openDesk = async (harness: Harness, count = 1000, seconds = 86_400): Promise<Desk> =>
  new Desk(await harness.open({ user: { count, seconds } }))
