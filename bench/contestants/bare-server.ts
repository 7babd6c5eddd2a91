/** What the notify bench is measured against: Fastify that takes the same body and answers 201, and does nothing else. */
import Fastify from 'fastify'

const app = Fastify()
app.post('/notify/:user', (_request, reply) => reply.code(201).send({ ok: true }))
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
