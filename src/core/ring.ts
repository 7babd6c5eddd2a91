import { randomUUIDv7 } from 'node:crypto'
import { type Channel, processChannel } from './channel.ts'
import type { Broker } from './engine.ts'
import type { Delivery } from './inbox.ts'
import type { Draft } from './publication.ts'

/** Rings the processes that wait to hear of a delivery. A lost ring is made good by whoever waits: it looks once more at the end. */
export async function ringWaiters(broker: Broker, delivered: readonly Delivery[]): Promise<void> {
  await Promise.all(
    delivered.flatMap(({ id, waiter }) =>
      waiter === undefined ? [] : broker.publish(ringOf(processChannel(waiter), id)),
    ),
  )
}

const ringOf = (channel: Channel, delivered: string): Draft => {
  const id = randomUUIDv7()
  const head = `["control",{"id":"${id}","delivered":"${delivered}"`
  return {
    channel,
    id,
    event: 'control',
    head,
    tail: '}]',
    stored: false,
    createdAt: Date.now(),
    expiresAt: 0,
  }
}
