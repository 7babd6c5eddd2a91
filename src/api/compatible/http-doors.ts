import type { FastifyInstance } from 'fastify'
import type { Publisher } from '../../core/publisher.ts'
import type { Access } from '../credentials.ts'
import type { ApiCounts } from '../metrics.ts'
import { toServiceError } from '../problem.ts'
import { registerForm, tellCallsApart } from './form.ts'
import { registerPusher } from './pusher.ts'
import type { PusherCredentials } from './pusher-signature.ts'

/** The doors for other senders that are open. */
export interface HttpDoors {
  get: boolean
  /** Undefined: closed. */
  pusher: PusherCredentials | undefined
  /** Counts a call that was refused. */
  reject(door: string, reason: string): void
}

/** Registers the routes of the doors that are open. */
export async function registerDoors(
  app: FastifyInstance,
  { get, pusher, reject }: HttpDoors,
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
    await open('get', (scope) => registerForm(scope, parts))
  }
  if (pusher !== undefined) await open('pusher', (scope) => registerPusher(scope, pusher, parts))
}
