import { idOfChannel } from './channel.ts'
import type { Engine, Published } from './engine.ts'
import type { Draft } from './publication.ts'
import type { Watch } from './watches.ts'

/**
 * How soon a new watch is looked at, in milliseconds. A tab may acknowledge before there is a watch to be hastened: this look makes up for it.
 */
const FIRST_LOOK = 1000

/**
 * Stores a draft, and then begins to watch it if its backend wants to hear what becomes of it. A caller that is told of an error repeats the
 * call with its key, and the watch is kept then. Rejects like `Broker.publish`.
 */
export async function publishWatched(
  { broker, watches }: Pick<Engine, 'broker' | 'watches'>,
  draft: Draft,
): Promise<Published> {
  const published = await broker.publish(draft)
  const watch = watchOf(draft, published)
  if (watch !== undefined) await watches.put(watch, Date.now() + FIRST_LOOK)
  return published
}

function watchOf({ channel, createdAt, item }: Draft, { id, place }: Published): Watch | undefined {
  if (item?.webhook === undefined || !place?.applied) return undefined
  const { tag, webhook } = item
  const { events, undeliveredAfter, url } = webhook
  return {
    ...{ id, user: idOfChannel(channel), version: place.version, events },
    ...(tag === undefined ? {} : { tag }),
    ...(url === undefined ? {} : { url }),
    ...(undeliveredAfter === undefined ? {} : { undeliveredAt: createdAt + undeliveredAfter * 1000 }),
    ...{ looks: 0, telling: [], failures: 0, retryAt: 0 },
  }
}
