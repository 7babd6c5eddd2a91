/** A worker of `tutorial`: Socket.IO with one of its Redis adapters. */
import { createServer } from 'node:http'
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import { admitByToken } from './sockets.ts'

const redis = new Redis(process.env.REDIS_URL!)
const create = process.env.ADAPTER === 'sharded' ? createShardedAdapter : createAdapter
const server = createServer()
const io = new Server(server, { serveClient: false, adapter: create(redis, redis.duplicate()) })
admitByToken(io)
server.listen(Number(process.env.PORT), '127.0.0.1')
