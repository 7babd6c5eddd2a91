import type { FastifyInstance } from 'fastify'
import type { Publisher } from '../../core/publishing/publisher.ts'
import type { Access } from '../auth/credentials.ts'
import type { ApiCounts } from '../http/metrics.ts'
import { toServiceError } from '../http/problem.ts'
import { registerGetApi, tellCallsApart } from './get-api.ts'
import { registerPusherApi } from './pusher-api.ts'
import type { PusherCredentials } from './pusher-signature.ts'

/** The doors for other senders that are open. */
export interface CompatibleApis {
  get: boolean
  /** Undefined: closed. */
  pusher: PusherCredentials | undefined
  /** Counts a call that was refused. */
  reject(door: string, reason: string): void
}

/** Registers the routes of the doors that are open. */
export async function registerCompatible(
  app: FastifyInstance,
  { get, pusher, reject }: CompatibleApis,
  parts: { access: Access; publisher: Publisher; counts: ApiCounts },
): Promise<void> {
  const open = (door: string, register: (scope: FastifyInstance) => void) =>
    app.register(async (scope) => {
      scope.addHook('onError', async (_request, _reply, error) => {
        const { status, message } = toServiceError(error)
        if (status < 500) reject(door, message)
      })
      register(scope)
    })
  if (get) {
    tellCallsApart(app)
    await open('get', (scope) => registerGetApi(scope, parts))
  }
  if (pusher !== undefined) await open('pusher', (scope) => registerPusherApi(scope, pusher, parts))
}
