import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { ServiceError } from '../../core/model/errors.ts'
import type { Access } from '../auth/credentials.ts'
import type { TokenSigner } from '../auth/token-signer.ts'
import { wantId } from '../http/requests.ts'
import { bodyProblems, problems } from '../schemas/problem.ts'
import { minted, tokenBody } from '../schemas/token.ts'

/** Registers `POST /tokens`, which answers 404 where there is no secret to sign with. */
export function registerTokens(
  app: FastifyInstance,
  { access, sign }: { access: Access; sign: TokenSigner | undefined },
): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    '/tokens',
    {
      onRequest: access('tokens:write'),
      schema: {
        operationId: 'mintToken',
        tags: ['tokens'],
        summary: 'Make a token for a browser',
        description: 'For backends that would rather not sign themselves. Wants the scope `tokens:write`.',
        body: tokenBody,
        response: { 201: minted, ...bodyProblems(), ...problems(404) },
      },
    },
    async ({ body: { user, ttl = 3600, rooms = [], publish = [] } }, reply) => {
      if (sign === undefined)
        throw new ServiceError(
          'not_found',
          'this server has no JWT_SECRET to sign with: it only checks tokens',
        )
      wantId(user, '/user')
      for (const [index, pattern] of rooms.entries()) wantId(pattern, `/rooms/${index}`)
      for (const [index, pattern] of publish.entries()) wantId(pattern, `/publish/${index}`)
      const { token, expiresAt } = sign({ user, ttl, rooms, publish })
      reply.code(201).header('cache-control', 'no-store')
      return { token, expiresAt: new Date(expiresAt * 1000).toISOString() }
    },
  )
}
