/** The api of `tutorial`: a Redis list of each user's last notifications, and Socket.IO's way to the workers through Redis. */
import { randomUUID } from 'node:crypto'
import { createShardedAdapter } from '@socket.io/redis-adapter'
import { Emitter } from '@socket.io/redis-emitter'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'

/** As many as Tabcast keeps by default. */
const KEPT = 1000

const redis = new Redis(process.env.REDIS_URL!)
// The emitter speaks to the classic adapter only; what speaks to the sharded one is a server without clients.
const sender =
  process.env.ADAPTER === 'sharded'
    ? new Server({ adapter: createShardedAdapter(redis, redis.duplicate()) })
    : new Emitter(redis)

const app = Fastify()
app.post<{ Params: { user: string } }>('/notify/:user', async (request, reply) => {
  const { user } = request.params
  const notification = { id: randomUUID(), ...(request.body as object), createdAt: new Date().toISOString() }
  const list = `notifications:${user}`
  await redis
    .pipeline()
    .lpush(list, JSON.stringify(notification))
    .ltrim(list, 0, KEPT - 1)
    .exec()
  sender.to(`user:${user}`).emit('notification', notification)
  return reply.code(201).send({ id: notification.id })
})
app.post('/broadcast', (request, reply) => {
  sender.emit('message', {
    id: randomUUID(),
    ...(request.body as object),
    createdAt: new Date().toISOString(),
  })
  return reply.code(201).send({})
})
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
