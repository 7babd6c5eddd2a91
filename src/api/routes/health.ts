import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Readiness } from '../../core/lifecycle/readiness.ts'
import { ServiceError } from '../../core/model/errors.ts'
import { type ApiCounts, addMetrics, createMetrics } from '../http/metrics.ts'
import { type MetricSiblings, withSiblings } from '../http/sibling-metrics.ts'
import { answer } from '../schemas/common.ts'
import { problems } from '../schemas/problem.ts'

/** The parts that the health routes ask. */
export interface HealthOptions {
  readiness: Pick<Readiness, 'reason' | 'isStopped'>
  /** The other processes on this port, if there are any. */
  siblings?: MetricSiblings | undefined
}

const tags = ['health']
/** Probes bring no credential. */
const security: [] = []

const status = (value: string, description: string) =>
  answer(Type.Object({ status: Type.String({ examples: [value] }) }), description)

/** `/livez`, `/readyz` and `/metrics`, which every role serves. */
export function registerHealth(app: FastifyInstance, counts: ApiCounts, options: HealthOptions): void {
  const registry = createMetrics(counts)
  app.decorate('addMetrics', (sources) => addMetrics(registry, sources))
  const write = options.siblings ? withSiblings(registry, options.siblings) : () => registry.metrics()

  app.get(
    '/livez',
    {
      schema: {
        operationId: 'getLiveness',
        tags,
        security,
        summary: 'Ask whether the process is alive',
        response: { 200: status('alive', 'It is.'), ...problems('4xx') },
      },
    },
    async () => ({ status: 'alive' }),
  )

  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'getReadiness',
        tags,
        security,
        summary: 'Ask whether the process should get traffic',
        description: 'Proved by a canary through the engine.',
        response: { 200: status('ready', 'It should.'), ...problems('4xx', 503) },
      },
    },
    async () => {
      const { reason, isStopped } = options.readiness
      if (reason === undefined) return { status: 'ready' }
      throw new ServiceError(isStopped ? 'shutting_down' : 'engine_unavailable', reason)
    },
  )

  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        tags,
        security,
        summary: 'Scrape the metrics',
        response: {
          200: {
            description: 'In the text format of Prometheus.',
            content: { 'text/plain': { schema: Type.String() } },
          },
          ...problems('4xx'),
        },
      },
    },
    async (_request, reply) => reply.type(registry.contentType).send(await write()),
  )
}
