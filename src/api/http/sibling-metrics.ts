import { Registry } from '@prometheus-io/client'

/** The other processes on this port. What they tell each other is what `getMetricsAsJSON` made. */
export interface MetricSiblings {
  /** Which of them this one is. */
  readonly worker: string
  /** `answer` makes what this process says when another asks. */
  onAsked(answer: () => Promise<unknown>): void
  ask(): Promise<unknown[]>
}

type Metrics = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** Makes a registry's metrics those of one worker. Returns what writes them together with those of the others, whoever is scraped. */
export function withSiblings(registry: Registry, siblings: MetricSiblings): () => Promise<string> {
  registry.setDefaultLabels({ worker: siblings.worker })
  const own = (): Promise<Metrics> => registry.getMetricsAsJSON()
  siblings.onAsked(own)
  return async () => {
    const workers = [await own(), ...((await siblings.ask()) as Metrics[])]
    // The label keeps the workers apart, so nothing is really summed; other ways would leave some out.
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
    gauge('tabcast_workers', 'Processes on this port that told their metrics.', workers.length),
    gauge(
      'tabcast_port_connections',
      'Socket.IO connections of all processes on this port.',
      connections.reduce((sum, value) => sum + value, 0),
    ),
  ]
}
