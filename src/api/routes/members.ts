import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { controlDraft } from '../../core/drafts/server.ts'
import type { Engine } from '../../core/engine/engine.ts'
import { roomChannel } from '../../core/model/channel.ts'
import { MAX_LISTED_USERS } from '../../core/model/limits.ts'
import type { Access } from '../auth/credentials.ts'
import { wantId } from '../http/requests.ts'
import { roomParams } from '../schemas/common.ts'
import { memberBody, memberParams, roomPresence } from '../schemas/member.ts'
import { bodyProblems, problems } from '../schemas/problem.ts'

interface MembersOptions {
  access: Access
  engine: Pick<Engine, 'memberships' | 'connections' | 'presence'>
  /** The most rooms that a user may be a member of. */
  maxMemberships: number
}

/** Registers `PUT` and `DELETE /rooms/:room/members/:user`, and `GET /rooms/:room/presence`. */
export function registerMembers(app: FastifyInstance, options: MembersOptions): void {
  registerAdd(app, options)
  registerRemove(app, options)
  registerPresence(app, options)
}

function registerAdd(app: FastifyInstance, { access, engine, maxMemberships }: MembersOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().put(
    '/rooms/:room/members/:user',
    {
      onRequest: access('rooms:write'),
      preValidation: async (request) => {
        request.body ??= {}
      },
      schema: {
        operationId: 'addMember',
        tags: ['rooms'],
        summary: 'Make a user a member of a room',
        description:
          'Their tabs join by themselves, and so do tabs that connect later. Repeated, it sets `publish` anew; a call that changes nothing sends no event. Wants the scope `rooms:write`.',
        params: memberParams,
        body: memberBody,
        response: { 204: Type.Null({ description: 'A member.' }), ...bodyProblems(), ...problems(409) },
      },
    },
    async (request, reply) => {
      const { room, user } = idsOf(request.params)
      const { publish = false } = request.body
      const control = controlDraft(user, { action: 'join', room, publish })
      await engine.memberships.grant({ user, room, publish }, control, maxMemberships)
      return reply.code(204).send(null)
    },
  )
}

function registerRemove(app: FastifyInstance, { access, engine }: MembersOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().delete(
    '/rooms/:room/members/:user',
    {
      onRequest: access('rooms:write'),
      schema: {
        operationId: 'removeMember',
        tags: ['rooms'],
        summary: 'End the membership of a user',
        description:
          'Their tabs leave by themselves, unless their token or the configuration grants the room as well. A user who was no member stays as they are. Wants the scope `rooms:write`.',
        params: memberParams,
        response: { 204: Type.Null({ description: 'No member.' }), ...problems(400, 401, 403, 503) },
      },
    },
    async (request, reply) => {
      const { room, user } = idsOf(request.params)
      await engine.memberships.withdraw({ user, room }, controlDraft(user, { action: 'leave', room }))
      return reply.code(204).send(null)
    },
  )
}

function registerPresence(app: FastifyInstance, { access, engine }: MembersOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/rooms/:room/presence',
    {
      onRequest: access('presence:read'),
      schema: {
        operationId: 'getRoomPresence',
        tags: ['rooms'],
        summary: 'Ask who is in a room',
        description: 'Wants the scope `presence:read`.',
        params: roomParams,
        response: { 200: roomPresence, ...problems(400, 401, 403, 503) },
      },
    },
    async (request) => {
      const room = wantId(request.params.room, '/room')
      const [present, [count]] = await Promise.all([
        engine.presence.list(room, MAX_LISTED_USERS),
        engine.connections.count([roomChannel(room)]),
      ])
      return { ...present, connections: count!.connections }
    },
  )
}

const idsOf = ({ room, user }: { room: string; user: string }) => ({
  room: wantId(room, '/room'),
  user: wantId(user, '/user'),
})
