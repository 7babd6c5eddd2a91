import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { ConnectionCount } from '../../core/engine/connections.ts'
import type { Engine } from '../../core/engine/engine.ts'
import { userChannel } from '../../core/model/channel.ts'
import type { Publisher } from '../../core/publishing/publisher.ts'
import type { Access } from '../auth/credentials.ts'
import { wantId } from '../http/requests.ts'
import { userParams } from '../schemas/common.ts'
import { bodyProblems, problems } from '../schemas/problem.ts'
import { disconnectBody, disconnected, manyPresences, onePresence, presenceBody } from '../schemas/user.ts'

interface UsersOptions {
  access: Access
  engine: Engine
  publisher: Publisher
}

/** Registers `GET /users/:user/presence`, `POST /presence` and `POST /users/:user/disconnect`. */
export function registerUsers(app: FastifyInstance, options: UsersOptions): void {
  registerPresence(app, options)
  registerManyPresences(app, options)
  registerDisconnect(app, options)
}

function registerPresence(app: FastifyInstance, { access, engine }: UsersOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/users/:user/presence',
    {
      onRequest: access('presence:read'),
      schema: {
        operationId: 'getPresence',
        tags: ['users'],
        summary: 'Ask whether a user is there',
        description: 'Wants the scope `presence:read`.',
        params: userParams,
        response: { 200: onePresence, ...problems(400, 401, 403, 503) },
      },
    },
    async (request) => (await presencesOf(engine, [wantId(request.params.user, '/user')]))[0]!,
  )
}

function registerManyPresences(app: FastifyInstance, { access, engine }: UsersOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    '/presence',
    {
      onRequest: access('presence:read'),
      schema: {
        operationId: 'listPresence',
        tags: ['users'],
        summary: 'Ask which of many users are there',
        description: 'Wants the scope `presence:read`.',
        body: presenceBody,
        response: { 200: manyPresences, ...bodyProblems() },
      },
    },
    async ({ body: { users } }) => ({
      users: await presencesOf(
        engine,
        users.map((user, index) => wantId(user, `/users/${index}`)),
      ),
    }),
  )
}

function registerDisconnect(app: FastifyInstance, { access, engine, publisher }: UsersOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    '/users/:user/disconnect',
    {
      onRequest: access('users:write'),
      preValidation: async (request) => {
        request.body ??= {}
      },
      schema: {
        operationId: 'disconnectUser',
        tags: ['users'],
        summary: 'Close all connections of a user for good',
        description:
          'Stock clients stay away after it. With `revoke` the tokens that they hold are refused as well. Wants the scope `users:write`.',
        params: userParams,
        body: disconnectBody,
        response: { 202: disconnected, ...bodyProblems() },
      },
    },
    async (request, reply) => {
      const user = wantId(request.params.user, '/user')
      const { revoke = false } = request.body
      // Revoked first, or a tab could come back between the two.
      if (revoke) await engine.revocations.revoke(user, Math.floor(Date.now() / 1000))
      await publisher.control(user, { action: 'disconnect' })
      reply.code(202)
      return { user, revoked: revoke }
    },
  )
}

async function presencesOf({ connections }: Engine, users: readonly string[]) {
  const counts = await connections.count(users.map(userChannel))
  return counts.map((count, index) => presenceOf(users[index]!, count))
}

const presenceOf = (user: string, { connections, lastSeen }: ConnectionCount) => ({
  user,
  online: connections > 0,
  connections,
  lastSeen: lastSeen === undefined ? null : new Date(lastSeen).toISOString(),
})
