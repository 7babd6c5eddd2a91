import { wakeDraft } from '../drafts/server.ts'
import type { Broker } from '../engine/broker.ts'
import type { Delivery } from '../engine/inbox.ts'

/** Wakes the processes that wait to hear of a delivery. A lost word is made good by whoever waits: it looks once more at the end. */
export async function wakeWaiters(broker: Broker, delivered: readonly Delivery[]): Promise<void> {
  await Promise.all(
    delivered.flatMap(({ id, waiter }) =>
      waiter === undefined ? [] : broker.publish(wakeDraft(waiter, id)),
    ),
  )
}
