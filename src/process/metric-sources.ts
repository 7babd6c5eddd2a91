import type { MetricSource } from '../api/http/metrics.ts'
import type { Rejections } from '../bridges/rejections.ts'
import type { Hub } from '../core/delivery/hub.ts'
import type { Sockets } from '../sockets/sockets.ts'
import type { Webhooks } from '../webhooks/webhooks.ts'

/** The metrics of the sockets; all zero where there are none. */
export const socketMetrics = (sockets: Sockets | undefined): MetricSource[] => [
  {
    name: 'tabcast_connections',
    help: 'Socket.IO connections of this process.',
    kind: 'gauge',
    read: () => sockets?.counts.connections ?? 0,
  },
  {
    name: 'tabcast_connections_closed_total',
    help: 'Connections that the server ended, by reason.',
    kind: 'counter',
    label: 'reason',
    read: () => sockets?.counts.closed ?? {},
  },
  {
    name: 'tabcast_connections_refused_total',
    help: 'Handshakes of Socket.IO that were refused, by reason.',
    kind: 'counter',
    label: 'reason',
    read: () => sockets?.counts.refused ?? {},
  },
]

/** The metrics of the parts behind API and sockets; there are no webhooks without a secret. */
export const coreMetrics = ({
  hub,
  rejections,
  webhooks,
}: {
  hub: Hub
  rejections: Rejections
  webhooks: Webhooks | undefined
}): MetricSource[] => [
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
    name: 'tabcast_webhooks_total',
    help: 'Requests that tell a backend what became of a notification, by result.',
    kind: 'counter',
    label: 'result',
    read: () => ({ ...webhooks?.counts }),
  },
  {
    name: 'tabcast_foreign_rejected_total',
    help: 'Messages that came over a bridge or a compatible API and could not be delivered, by source.',
    kind: 'counter',
    label: 'source',
    read: () => rejections.counts,
  },
]
