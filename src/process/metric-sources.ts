import type { MetricSource } from '../api/http/metrics.ts'
import type { Rejections } from '../bridges/rejections.ts'
import type { Hub } from '../core/delivery/hub.ts'
import type { Sockets } from '../sockets/sockets.ts'
import type { Webhooks } from '../webhooks/webhooks.ts'

/** What `/metrics` tells of the wings; `sockets` is undefined until they are built, and with the role `api`. */
export function metricSources(
  hub: Hub,
  sockets: () => Sockets | undefined,
  rejections: Rejections,
  webhooks: Webhooks | undefined,
): MetricSource[] {
  return [
    {
      name: 'tabcast_connections',
      help: 'Socket.IO connections of this process.',
      kind: 'gauge',
      read: () => sockets()?.counts.connections ?? 0,
    },
    {
      name: 'tabcast_channels',
      help: 'Channels that have somebody in this process.',
      kind: 'gauge',
      read: () => hub.counts.channels,
    },
    {
      name: 'tabcast_repairs_total',
      help: 'Holes in the live stream that were repaired from the log.',
      kind: 'counter',
      read: () => hub.counts.repairs,
    },
    {
      name: 'tabcast_connections_closed_total',
      help: 'Connections that the server ended, by reason.',
      kind: 'counter',
      label: 'reason',
      read: () => sockets()?.counts.closed ?? {},
    },
    {
      name: 'tabcast_connections_refused_total',
      help: 'Handshakes of Socket.IO that were refused, by reason.',
      kind: 'counter',
      label: 'reason',
      read: () => sockets()?.counts.refused ?? {},
    },
    {
      name: 'tabcast_webhooks_total',
      help: 'Tries to tell a backend what became of a notification, by result.',
      kind: 'counter',
      label: 'result',
      read: () => ({ ...webhooks?.counts }),
    },
    {
      name: 'tabcast_door_rejected_total',
      help: 'What came through a door for other senders and could not be delivered, by door.',
      kind: 'counter',
      label: 'door',
      read: () => rejections.counts,
    },
  ]
}
