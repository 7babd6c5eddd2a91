import { wakeDraft } from '../drafts/server.ts'
import type { Broker } from '../engine/broker.ts'
import type { Delivery } from '../engine/inbox.ts'

/**
 * Wakes the processes that wait for these deliveries. If that is lost, the call that waits makes up for it: it looks once more at the end.
 * Rejects with the engine's error.
 */
export async function wakeWaiters(broker: Broker, delivered: readonly Delivery[]): Promise<void> {
  await Promise.all(
    delivered.flatMap(({ id, waiter }) =>
      waiter === undefined ? [] : broker.publish(wakeDraft(waiter, id)),
    ),
  )
}
