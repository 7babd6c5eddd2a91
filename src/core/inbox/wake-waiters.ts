import { randomUUIDv7 } from 'node:crypto'
import type { Broker } from '../engine/engine.ts'
import type { Delivery } from '../engine/inbox.ts'
import { type Channel, processChannel } from '../model/channel.ts'
import type { Draft } from '../model/publication.ts'

/** Rings the processes that wait to hear of a delivery. A lost ring is made good by whoever waits: it looks once more at the end. */
export async function wakeWaiters(broker: Broker, delivered: readonly Delivery[]): Promise<void> {
  await Promise.all(
    delivered.flatMap(({ id, waiter }) =>
      waiter === undefined ? [] : broker.publish(wakeDraft(processChannel(waiter), id)),
    ),
  )
}

const wakeDraft = (channel: Channel, delivered: string): Draft => {
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
