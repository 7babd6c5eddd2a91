/** Socket.IO in memory under Fastify: what a call says is sent to the tabs of the user, and forgotten. */
import { randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import { Server } from 'socket.io'
import { admitByToken } from './sockets.ts'

const app = Fastify()
const io = new Server(app.server, { serveClient: false })
admitByToken(io)
app.post<{ Params: { user: string } }>('/notify/:user', (request, reply) => {
  const notification = { id: randomUUID(), ...(request.body as object), createdAt: new Date().toISOString() }
  io.to(`user:${request.params.user}`).emit('notification', notification)
  return reply.code(201).send({ id: notification.id })
})
app.post('/broadcast', (request, reply) => {
  io.emit('message', { id: randomUUID(), ...(request.body as object), createdAt: new Date().toISOString() })
  return reply.code(201).send({})
})
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
