import { Registry } from '@prometheus-io/client'

/** The other processes on this port. They send each other what `getMetricsAsJSON` returns. */
export interface MetricSiblings {
  /** The name of this process among them, for the label `worker`. */
  readonly worker: string
  /** Sets the function that makes the answer of this process to the others. */
  onAsked(answer: () => Promise<unknown>): void
  /** Resolves to the answers of the others; those that do not answer in time are left out. */
  ask(): Promise<unknown[]>
}

type Metrics = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/**
 * Labels the metrics of a registry with this worker. Returns the function that writes them together with those of the other workers, so that
 * it does not matter which one is scraped.
 */
export function withSiblings(registry: Registry, siblings: MetricSiblings): () => Promise<string> {
  registry.setDefaultLabels({ worker: siblings.worker })
  const own = (): Promise<Metrics> => registry.getMetricsAsJSON()
  siblings.onAsked(own)
  return async () => {
    const workers = [await own(), ...((await siblings.ask()) as Metrics[])]
    // The label keeps the workers apart, so nothing is really summed; other aggregators would leave some out.
    const kept = workers.map((metrics) => metrics.map((metric) => ({ ...metric, aggregator: 'sum' })))
    return Registry.aggregate([...kept, totalsOf(workers)]).metrics()
  }
}

function totalsOf(workers: readonly Metrics[]): object[] {
  const gauge = (name: string, help: string, value: number): object => ({
    name,
    help,
    type: 'gauge',
    aggregator: 'sum',
    values: [{ labels: {}, value }],
  })
  const connections = workers
    .flat()
    .filter(({ name }) => name === 'tabcast_connections')
    .flatMap(({ values }) => values.map(({ value }) => Number(value)))
  return [
    gauge('tabcast_workers', 'Processes on this port that reported their metrics.', workers.length),
    gauge(
      'tabcast_port_connections',
      'Socket.IO connections of all processes on this port.',
      connections.reduce((sum, value) => sum + value, 0),
    ),
  ]
}
