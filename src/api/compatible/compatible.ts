import type { FastifyInstance } from 'fastify'
import type { Publisher } from '../../core/publishing/publisher.ts'
import type { Access } from '../auth/credentials.ts'
import type { ApiCounts } from '../http/metrics.ts'
import { toServiceError } from '../http/problem.ts'
import { distinguishCalls, registerGetApi } from './get-api.ts'
import { registerPusherApi } from './pusher-api.ts'
import type { PusherCredentials } from './pusher-signature.ts'

/** The compatible APIs that are open. */
export interface CompatibleApis {
  /** True if `GET /?name=…` is open. */
  get: boolean
  /** The credentials that Pusher's SDKs sign with; undefined: closed. */
  pusher: PusherCredentials | undefined
  /** Counts a call that was refused; the source is `get-api` or `pusher-api`. */
  reject(source: string, reason: string): void
}

/** Registers the routes of the compatible APIs that are open, each in a scope with its own parsers and errors. */
export async function registerCompatible(
  app: FastifyInstance,
  { get, pusher, reject }: CompatibleApis,
  parts: { access: Access; publisher: Publisher; counts: ApiCounts; report(error: unknown): void },
): Promise<void> {
  const open = (source: string, register: (scope: FastifyInstance) => void) =>
    app.register(async (scope) => {
      scope.addHook('onError', async (_request, _reply, error) => {
        const { status, message } = toServiceError(error)
        if (status < 500) reject(source, message)
      })
      register(scope)
    })
  if (get) {
    distinguishCalls(app)
    await open('get-api', (scope) => registerGetApi(scope, parts))
  }
  if (pusher !== undefined) await open('pusher-api', (scope) => registerPusherApi(scope, pusher, parts))
}
