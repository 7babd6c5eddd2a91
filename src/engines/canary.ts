import { canaryDraft } from '../core/drafts/server.ts'
import type { Broker } from '../core/engine/broker.ts'
import { type Channel, userChannel } from '../core/model/channel.ts'
import { ServiceError } from '../core/model/errors.ts'

/** The longest time until a canary comes back, in milliseconds. */
const PATIENCE = 1000

/** The channel of a canary. No user can have this id: it has a control character. */
export const canaryChannel = (name: string): Channel => userChannel(`\u0000canary ${name}`)

/**
 * Creates a canary, a function that publishes an ephemeral entry and must hear it as a subscriber. It rejects with `engine_timeout` if it
 * does not, or with the broker's error.
 *
 * `name`: tells the canaries of several processes apart; `path`: the way that they take, for the error.
 */
export function createCanary(broker: Broker, name: string, path: string): () => Promise<void> {
  const channel = canaryChannel(name)
  const waiting = new Map<string, () => void>()
  let subscribed: Promise<void> | undefined

  return async () => {
    subscribed ??= broker.subscribe(channel, ({ id }) => waiting.get(id)?.())
    await subscribed.catch((error) => {
      subscribed = undefined
      throw error
    })
    const draft = canaryDraft(channel)
    const { id } = draft
    const { promise: heard, resolve, reject } = Promise.withResolvers<void>()
    waiting.set(id, resolve)
    const timer = setTimeout(
      () => reject(new ServiceError('engine_timeout', `a canary through ${path} did not come back`)),
      PATIENCE,
    )
    const published = broker.publish(draft)
    try {
      await Promise.all([heard, published])
    } finally {
      clearTimeout(timer)
      waiting.delete(id)
    }
  }
}
