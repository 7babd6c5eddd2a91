import type { Socket as NetSocket } from 'node:net'
import type { Server } from 'socket.io'
import type { EngineRequest } from './engine-socket.ts'

/**
 * Lets the answer to the upgrade and the first packet of an engine session leave in one write, from now on: a write is the dearest part of a
 * connect. Engine.IO sends that packet a moment later, so what is written is held back until the end of this turn of the event loop.
 */
export function joinFirstWrites(engine: Server['engine']): void {
  let corked: NetSocket[] = []
  const uncork = (): void => {
    const sockets = corked
    corked = []
    for (const socket of sockets) socket.uncork()
  }
  engine.on('headers', (_headers: object, { _query, socket }: EngineRequest) => {
    if (_query.transport !== 'websocket') return
    socket.cork()
    if (corked.push(socket) === 1) setImmediate(uncork)
  })
}
