import { Counter, collectDefaultMetrics, Gauge, Registry } from '@prometheus-io/client'
import type { ErrorCode } from '../../core/model/errors.ts'

/** Figures of the HTTP side: plain integers, so that counting costs nothing. They are read when somebody scrapes. */
export interface ApiCounts {
  notifications: number
  messages: number
  replays: number
  errors: Partial<Record<ErrorCode, number>>
}

/** The figures of an app that has done nothing yet. */
export const createCounts = (): ApiCounts => ({ notifications: 0, messages: 0, replays: 0, errors: {} })

/** A metric that some other part keeps. */
export interface MetricSource {
  name: string
  help: string
  kind: 'counter' | 'gauge'
  /** The label that tells the values apart, if `read` answers several. */
  label?: string
  /** The value, or the values by label. */
  read(): number | Readonly<Record<string, number>>
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Has more figures in `/metrics`, those of a part that was made later. */
    addMetrics(sources: readonly MetricSource[]): void
  }
}

/** Makes a registry of one app's own: two apps in one process do not share their figures. */
export function createMetrics(counts: ApiCounts): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const own: MetricSource[] = [
    {
      name: 'tabcast_notifications_total',
      help: 'Notifications that were accepted over HTTP.',
      kind: 'counter',
      read: () => counts.notifications,
    },
    {
      name: 'tabcast_messages_total',
      help: 'Room messages that were accepted over HTTP.',
      kind: 'counter',
      read: () => counts.messages,
    },
    {
      name: 'tabcast_idempotent_replays_total',
      help: 'Publishes that were answered from an earlier one with the same idempotency key.',
      kind: 'counter',
      read: () => counts.replays,
    },
    {
      name: 'tabcast_http_errors_total',
      help: 'HTTP requests that were answered with an error.',
      kind: 'counter',
      label: 'code',
      read: () => counts.errors as Record<string, number>,
    },
  ]
  addMetrics(registry, own)
  return registry
}

/** Adds metrics to a registry. */
export function addMetrics(registry: Registry, sources: readonly MetricSource[]): void {
  for (const source of sources) register(registry, source)
}

function register(registry: Registry, { name, help, kind, label, read }: MetricSource): void {
  const values = (): [Record<string, string>, number][] => {
    const value = read()
    if (typeof value === 'number') return [[{}, value]]
    return Object.entries(value).map(([key, count]) => [{ [label ?? 'kind']: key }, count])
  }
  const options = { name, help, registers: [registry], labelNames: label === undefined ? [] : [label] }
  if (kind === 'gauge') {
    new Gauge({
      ...options,
      collect() {
        this.reset()
        for (const [labels, value] of values()) this.set(labels, value)
      },
    })
  } else {
    new Counter({
      ...options,
      collect() {
        this.reset()
        for (const [labels, value] of values()) this.inc(labels, value)
      },
    })
  }
}
