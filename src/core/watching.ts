import { idOfChannel } from './channel.ts'
import type { Engine, Published } from './engine.ts'
import type { Draft } from './publication.ts'
import type { Watch, Watches } from './watches.ts'

/**
 * How soon a new watch is looked at, in milliseconds. A tab may acknowledge before there is a watch to be hastened: this look makes up for it.
 */
const FIRST_LOOK = 1000

/**
 * Stores a draft, and then begins to watch it if its backend wants to hear what becomes of it. A caller that is told of an error repeats the
 * call with its key, and the watch is kept then. Rejects like `Broker.publish`.
 */
export async function publishWatched({ broker, watches }: Watched, draft: Draft): Promise<Published> {
  return watch(watches, draft, await broker.publish(draft))
}

/** The same for drafts that differ in their users alone; resolves like `Broker.publishAll`. */
export async function publishAllWatched(
  { broker, watches }: Watched,
  drafts: readonly Draft[],
): Promise<PromiseSettledResult<Published>[]> {
  const settled = await broker.publishAll(drafts)
  if (drafts[0]?.item?.webhook === undefined) return settled
  return Promise.allSettled(
    settled.map((one, index) =>
      one.status === 'fulfilled' ? watch(watches, drafts[index]!, one.value) : Promise.reject(one.reason),
    ),
  )
}

type Watched = Pick<Engine, 'broker' | 'watches'>

async function watch(watches: Watches, draft: Draft, published: Published): Promise<Published> {
  const wanted = watchOf(draft, published)
  if (wanted !== undefined) await watches.put(wanted, Date.now() + FIRST_LOOK)
  return published
}

function watchOf({ channel, createdAt, item }: Draft, { id, place }: Published): Watch | undefined {
  if (item?.webhook === undefined || !place?.applied) return undefined
  const { tag, webhook, traceparent } = item
  const { events, undeliveredAfter, url } = webhook
  return {
    ...{ id, user: idOfChannel(channel), version: place.version, events },
    ...(tag === undefined ? {} : { tag }),
    ...(url === undefined ? {} : { url }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(undeliveredAfter === undefined ? {} : { undeliveredAt: createdAt + undeliveredAfter * 1000 }),
    ...{ looks: 0, telling: [], failures: 0, retryAt: 0 },
  }
}
