import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { SCOPES } from '../../core/access/scopes.ts'
import { problemSchema } from '../schemas/problem.ts'
import { webhookCalls } from '../schemas/webhook.ts'

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const DESCRIPTION = [
  'One HTTP call from a backend shows up in every browser tab of a user, or of everyone in a room: stored, numbered, in order, once.',
  'Every error is problem details (RFC 9457). Unknown fields are errors, and nothing is coerced.',
  'A 5xx or a time-out leaves open whether a publish was stored: repeat it with the same `Idempotency-Key`.',
].join('\n\n')

const CREDENTIAL = [
  'An API key, or a service JWT with `aud: "tabcast:api"`, `exp` and `scope`.',
  `The scopes are ${SCOPES.map((scope) => `\`${scope}\``).join(', ')}; \`admin\` is all of them.`,
  'A key without scopes may do everything. A route that needs a scope says so.',
].join(' ')

/** Describes the routes that are registered after it, from the schemas that validate them, as OpenAPI 3.1; registers `/openapi.json`. */
export async function registerOpenApi(app: FastifyInstance): Promise<void> {
  app.addSchema(problemSchema)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tabcast',
        version,
        summary: 'HTTP in, every browser tab out.',
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/', description: 'The server that this document came from.' }],
      tags: [
        { name: 'notifications', description: 'Notify users.' },
        { name: 'inbox', description: 'What a user does with notifications, with the token of the browser.' },
        { name: 'rooms', description: 'Message everyone in a room.' },
        { name: 'users', description: 'Ask who is connected, and disconnect users.' },
        { name: 'tokens', description: 'Tokens for browsers.' },
        { name: 'health', description: 'Probes and metrics.' },
      ],
      components: {
        securitySchemes: {
          credential: {
            type: 'http',
            scheme: 'bearer',
            description: CREDENTIAL,
          },
          userToken: {
            type: 'http',
            scheme: 'bearer',
            description:
              'The token that tabs connect with: a JWT with `aud: "tabcast"`, the user as `sub`, `iat` and `exp`.',
          },
        },
      },
      security: [{ credential: [] }],
      webhooks: webhookCalls,
    },
    refResolver: {
      buildLocalReference: (schema, _baseUri, _fragment, index) =>
        typeof schema.$id === 'string' ? schema.$id : `def-${index}`,
    },
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject
      // The generator marks every body as required, and these may be left out.
      const { paths } = document.openapiObject
      for (const operation of [
        paths?.['/users/{user}/disconnect']?.post,
        paths?.['/rooms/{room}/members/{user}']?.put,
      ])
        if (operation?.requestBody !== undefined && 'required' in operation.requestBody)
          operation.requestBody.required = false
      return document.openapiObject
    },
  })
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
}
